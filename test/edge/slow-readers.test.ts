import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openShop } from '../files/shop.ts';
import { png } from '../files/pictures.ts';
import { startOlympus, type Olympus } from '../harness.ts';
import { getFrom } from './raw.ts';

const elsewhere = '127.0.0.51';
let olympus: Olympus;
/** The address of an image that is larger than what the system takes of an answer by itself. */
let link: string;
beforeAll(async () => {
  olympus = await startOlympus();
  const shop = await openShop(olympus);
  const { id } = await shop.product();
  link = (await shop.put(id, png(4, 3, 16_000_000))).body.image?.url ?? '';
});
afterAll(() => olympus.close());

/** Connections that ask and never read. */
async function deaf(count: number, from: string, text: string): Promise<Socket[]> {
  const { hostname, port } = new URL(olympus.url);
  return Promise.all(
    Array.from({ length: count }, async () => {
      const socket = connect({ host: hostname, port: Number(port), localAddress: from });
      socket.on('error', () => undefined).pause();
      await once(socket, 'connect');
      socket.write(text);
      return socket;
    }),
  );
}
const asking = (path: string) => `GET ${path} HTTP/1.1\r\nHost: olympus\r\nAccept: */*\r\n\r\n`;
/** Stored files that are open in this process. */
const filesOpen = () =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).includes('/files/');
    } catch {
      return false;
    }
  }).length;
/** Connections from an address that the system holds for the server: a client that does not read is told of no end. */
function held(from: string): number {
  const remote = from
    .split('.')
    .map((part) => Number(part).toString(16).padStart(2, '0'))
    .toReversed()
    .join('')
    .toUpperCase();
  const port = Number(new URL(olympus.url).port).toString(16).toUpperCase().padStart(4, '0');
  const lines = readFileSync('/proc/net/tcp', 'utf8').matchAll(/^ *\d+: [\dA-F]{8}:([\dA-F]{4}) ([\dA-F]{8}):/gm);
  return [...lines].filter(([, local, peer]) => local === port && peer === remote).length;
}
const served = async (from = elsewhere) => (await getFrom(`${olympus.url}/health/live`, { from })).status === 200;

it('readers that take nothing are cut off within 30 s or so, and leave nothing open', async () => {
  const readers = await deaf(20, '127.0.0.52', asking(link));
  await expect.poll(filesOpen).toBe(20);
  expect(await served()).toBe(true);
  const start = performance.now();
  await expect.poll(() => held('127.0.0.52'), { timeout: 50_000, interval: 200 }).toBe(0);
  expect(performance.now() - start).toBeGreaterThan(5000);
  await expect.poll(filesOpen).toBe(0);
  for (const socket of readers) socket.destroy();
}, 120_000);

it('one address reads no more than 64 files at once, and others theirs meanwhile', async () => {
  const from = '127.0.0.53';
  const readers = await deaf(80, from, asking(link));
  await expect.poll(filesOpen).toBe(64);
  const refused = await getFrom(olympus.url + link, { from });
  expect([refused.status, refused.headers['retry-after']]).toEqual([429, '1']);
  expect((await getFrom(olympus.url + link, { from: elsewhere })).status).toBe(200);
  for (const socket of readers) socket.destroy();
  await expect.poll(filesOpen).toBe(0);
  expect((await getFrom(olympus.url + link, { from })).status).toBe(200);
});

it('a connection is cut with more than 32 answers to come, and what they hold is given back', async () => {
  await expect.poll(filesOpen).toBe(0);
  const sockets = await deaf(4, '127.0.0.54', asking(link).repeat(8));
  await expect.poll(filesOpen).toBeGreaterThan(8);
  for (const socket of sockets) socket.destroy();
  await expect.poll(filesOpen).toBe(0);
  const [greedy] = await deaf(1, '127.0.0.54', asking(link).repeat(40));
  await new Promise((done) => greedy?.resume().once('close', done));
});

it('a reader who is slow and reads is served to the end', async () => {
  const [reader] = await deaf(1, '127.0.0.55', asking(link).replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
  let bytes = 0;
  for (const start = performance.now(); !reader!.closed && performance.now() - start < 25_000; await sleep(50))
    bytes += (reader!.read() as Buffer | null)?.length ?? 0;
  expect(bytes).toBeGreaterThan(16_000_000);
});

it('documents are given to an address up to 64 MiB in a minute, and to others meanwhile', async () => {
  const from = '127.0.0.56';
  const ask = async (at = from, path = '/openapi.json') => getFrom(olympus.url + path, { from: at });
  let last = await ask();
  let bytes = 0;
  for (; last.status === 200 && bytes < 100 * 2 ** 20; last = await ask()) bytes += last.text.length;
  expect(bytes).toBeGreaterThan(60 * 2 ** 20);
  expect(bytes).toBeLessThan(64 * 2 ** 20);
  expect(last.status).toBe(429);
  expect(JSON.parse(last.text)).toMatchObject({ code: 'RATE_LIMITED' });
  expect(Number(last.headers['retry-after'])).toBeGreaterThan(0);
  expect(last.headers['cache-control']).toBe('no-store');
  expect((await ask(from, '/docs/swagger-ui-bundle.js')).status).toBe(429);
  expect((await ask(elsewhere)).status).toBe(200);
});
