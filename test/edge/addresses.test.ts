import { once } from 'node:events';
import { request } from 'node:http';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { watchAddressFile } from '@olympus/server/platform/address-file.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createStore, registerTenant, rest, type Session, type Store } from '../harness.ts';
import { olympus, type Served } from '../processes.ts';
import { getFrom } from './raw.ts';

const quiet = { info() {}, error() {} };
/** Long enough for a busy machine; what is promised is a second. */
const soon = { timeout: 5000, interval: 50 };
let store: Store;
let replicas: Served[] = [];
let folder: string;
let file: string;

beforeAll(async () => {
  [store, folder] = await Promise.all([createStore(), mkdtemp(join(tmpdir(), 'olympus-addresses-'))]);
  file = join(folder, 'addresses');
  await writeFile(file, 'block 127.0.0.66  # somebody\n');
  // The embedded database has one process by nature.
  const count = store.kind === 'postgres' ? 2 : 1;
  const env = { ...store.env, OLYMPUS_ADDRESS_RULES_FILE: file, RATE_LIMITS: 'off' };
  replicas = await Promise.all(Array.from({ length: count }, () => olympus(env)));
}, 120_000);
afterAll(async () => {
  await Promise.all(replicas.map((replica) => replica.stop()));
  await store.remove();
  await rm(folder, { recursive: true });
});

/** Another file in its place, so that nobody reads half of one. */
async function write(text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}
const statusFrom = async (from: string, path: string, token?: string) =>
  Promise.all(replicas.map(async ({ url }) => (await getFrom(url + path, { from, ...(token && { token }) })).status));
const each = (status: number) => replicas.map(() => status);

/** A socket with a subscription, and both kinds of event streams, at the last replica; resolves to how each ended. */
async function openFrom(from: string, { accessToken }: Session) {
  const { url } = replicas.at(-1)!;
  const authorization = `Bearer ${accessToken}`;
  const socket = new WebSocket(`${url.replace('http', 'ws')}/ws`, { localAddress: from, headers: { authorization } });
  await once(socket, 'open');
  const ended: Record<string, unknown> = {};
  socket.once('close', (code) => (ended['socket'] = code));
  const streams = ['/api/v1/products/events', '/trpc/products.updates?input=%7B%22json%22%3A%7B%7D%7D'].map(
    async (path) => {
      const asked = request(url + path, {
        localAddress: from,
        headers: { authorization, accept: 'text/event-stream' },
      });
      asked.end();
      const [answer] = (await once(asked, 'response')) as [AsyncIterable<Buffer> & { statusCode: number }];
      expect(answer.statusCode).toBe(200);
      void (async () => {
        for await (const _ of answer);
      })()
        .catch(() => undefined)
        .finally(() => (ended[path.slice(1, 4)] = 'ended'));
    },
  );
  await Promise.all(streams);
  return ended;
}

describe('the operator’s lists', () => {
  it('keep an address out of everything but the health of the process', async () => {
    for (const path of ['/api/v1/auth/me', '/trpc/auth.me', '/docs', '/metrics'])
      expect(await statusFrom('127.0.0.66', path), path).toEqual(each(403));
    expect(await statusFrom('127.0.0.66', '/health/live')).toEqual(each(200));
    expect(await statusFrom('127.0.0.67', '/api/v1/auth/me')).toEqual(each(401));
    const socket = new WebSocket(`${replicas[0]!.url.replace('http', 'ws')}/ws`, { localAddress: '127.0.0.66' });
    const [, answer] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }];
    expect(answer.statusCode).toBe(403);
  });

  it('hold on every replica as soon as the file has changed, for open sockets and streams, too', async () => {
    const owner = await registerTenant(replicas[0]!.url);
    const ended = await openFrom('127.0.0.68', owner);
    await write('block 127.0.0.68\nblock 2001:db8::/32\n');
    await expect.poll(() => ended, soon).toEqual({ socket: 4403, api: 'ended', trp: 'ended' });
    await expect.poll(() => statusFrom('127.0.0.68', '/docs/', undefined), soon).toEqual(each(403));
    await expect.poll(() => statusFrom('127.0.0.66', '/docs/'), soon).toEqual(each(200));
  });

  it('stay as they are when the file has faults, which are logged; SIGHUP reads it at once', async () => {
    await write('block 127.0.0.69\nblok 127.0.0.70\nallow 10.0.0.0/33\n');
    for (const replica of replicas) {
      replica.process.kill('SIGHUP');
      await expect
        .poll(() => replica.output(), soon)
        .toMatch(/line 2 must be allow or block.*; line 3 must be.*those read last still hold/s);
    }
    expect(await statusFrom('127.0.0.68', '/docs/')).toEqual(each(403));
    expect(await statusFrom('127.0.0.69', '/docs/')).toEqual(each(200));
    await write('allow 127.0.0.0/24\nblock 127.0.0.69\n');
    await expect.poll(() => statusFrom('127.0.0.69', '/docs/'), soon).toEqual(each(403));
    expect(await statusFrom('127.0.1.1', '/docs/')).toEqual(each(403));
    await write('');
    await expect.poll(() => statusFrom('127.0.1.1', '/docs/'), soon).toEqual(each(200));
  });

  it('must be readable at the start', async () => {
    const bad = join(folder, 'bad');
    await writeFile(bad, 'allow everybody\n');
    expect(() => watchAddressFile(bad, quiet)).toThrow(/^line 1 must be allow or block/);
    expect(() => watchAddressFile(join(folder, 'none'), quiet)).toThrow(/no such file/);
  });
});

describe('a tenant’s lists', () => {
  it('hold on every replica within a second or so, for open sockets and streams, too, and for no other tenant', async () => {
    const [owner, other] = await Promise.all([registerTenant(replicas[0]!.url), registerTenant(replicas[0]!.url)]);
    const [ended, kept] = await Promise.all([openFrom('127.0.0.80', owner), openFrom('127.0.0.80', other)]);
    const stays = await openFrom('127.0.0.81', owner);
    const set = (body: object) =>
      rest(replicas[0]!.url, { method: 'PUT', path: '/address-rules', token: owner.accessToken, body });
    expect((await set({ block: ['127.0.0.80'] })).status).toBe(200);
    await expect.poll(() => ended, soon).toEqual({ socket: 4403, api: 'ended', trp: 'ended' });
    expect(await statusFrom('127.0.0.80', '/api/v1/auth/me', owner.accessToken)).toEqual(each(403));
    expect(await statusFrom('127.0.0.80', '/api/v1/auth/me', other.accessToken)).toEqual(each(200));
    expect(await statusFrom('127.0.0.81', '/api/v1/auth/me', owner.accessToken)).toEqual(each(200));
    expect([kept, stays]).toEqual([{}, {}]);
    expect((await set({})).status).toBe(200);
    await expect.poll(() => statusFrom('127.0.0.80', '/api/v1/auth/me', owner.accessToken), soon).toEqual(each(200));
  });
});
