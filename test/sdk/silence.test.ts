import { createOlympus } from '@olympus/client';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';

const sockets: Socket[] = [];
let server: Server;
beforeEach(async () => {
  // Takes connections and says nothing, as where the network is gone.
  server = createServer((socket) => sockets.push(socket.on('error', () => {}))).listen(0, '127.0.0.1');
  await once(server, 'listening');
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
  for (const socket of sockets.splice(0)) socket.destroy();
  server.close();
});

/** Lets real sockets work until `count` have come, while the clock says nothing. */
async function connected(count: number): Promise<void> {
  const start = performance.now();
  while (sockets.length < count && performance.now() - start < 5000) await nextTurn();
  expect(sockets.length).toBe(count);
}

test.each([
  ['sse', 30_000],
  ['ws', 10_000],
] as const)('live updates over %s try again where nobody answers', async (subscriptions, patienceMs) => {
  const api = createOlympus({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    WebSocket,
    transport: { subscriptions },
  });
  const subscription = api.orders.updates.subscribe({}, { onData: () => {} });
  await connected(1);
  await vi.advanceTimersByTimeAsync(patienceMs - 100);
  expect(sockets.length).toBe(1);
  await vi.advanceTimersByTimeAsync(200);
  for (let turn = 0; turn < 50; turn++) await nextTurn();
  await vi.advanceTimersByTimeAsync(5000);
  await connected(2);
  subscription.unsubscribe();
  api.$close();
});
