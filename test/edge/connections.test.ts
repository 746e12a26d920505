import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startOlympus, type Olympus } from '../harness.ts';
import { getFrom } from './raw.ts';

const most = 40;
let olympus: Olympus;
beforeAll(async () => {
  olympus = await startOlympus({ OLYMPUS_MAX_CONNECTIONS: '60', OLYMPUS_MAX_CONNECTIONS_PER_ADDRESS: String(most) });
});
afterAll(() => olympus.close());

async function open(from: string, allowHalfOpen: boolean): Promise<Socket> {
  const { hostname, port } = new URL(olympus.url);
  const socket = connect({ host: hostname, port: Number(port), localAddress: from, allowHalfOpen });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}
/** Half-open sockets go on sending after the server has said that it is done. */
const openAll = (count: number, from: string, allowHalfOpen = false) =>
  Promise.all(Array.from({ length: count }, () => open(from, allowHalfOpen)));
const countOpen = (sockets: readonly Socket[]) => sockets.filter((socket) => !socket.closed).length;

it('one address takes no more connections than it is given, and leaves room for others', async () => {
  const greedy = await openAll(80, '127.0.0.40');
  await expect.poll(() => countOpen(greedy)).toBe(most);
  expect((await getFrom(`${olympus.url}/health/live`, { from: '127.0.0.41' })).status).toBe(200);
  for (const socket of greedy) socket.destroy();
  await expect
    .poll(async () => (await getFrom(`${olympus.url}/health/live`, { from: '127.0.0.40' }).catch(() => null))?.status)
    .toBe(200);
});

it('headers that come a byte at a time are cut off after ten seconds, whoever goes on sending', async () => {
  const slow = await openAll(20, '127.0.0.42', true);
  let answers = '';
  for (const socket of slow) socket.on('data', (chunk) => (answers += chunk.toString()));
  const start = performance.now();
  const drip = setInterval(() => {
    for (const socket of slow) if (socket.writable) socket.write('x');
  }, 500);
  for (const socket of slow) socket.write('GET /health/live HTTP/1.1\r\nHost: olympus\r\nX-Slow: ');
  await expect.poll(() => countOpen(slow), { timeout: 20_000, interval: 200 }).toBe(0);
  clearInterval(drip);
  expect(performance.now() - start).toBeGreaterThan(5000);
  expect(answers.match(/HTTP\/1\.1 \d+ .*/g)).toEqual(slow.map(() => 'HTTP/1.1 408 Request Timeout'));
});
