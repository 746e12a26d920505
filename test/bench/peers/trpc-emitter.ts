import { initTRPC, tracked } from '@trpc/server';
import { applyWSSHandler } from '@trpc/server/adapters/ws';
import { EventEmitter, on } from 'node:events';
import { createServer } from 'node:http';
import superjson from 'superjson';
import { WebSocketServer } from 'ws';
import { announce } from './common.ts';

// The subscription of tRPC's documents: an emitter in the process. It keeps nothing, so nobody can resume.
const emitter = new EventEmitter().setMaxListeners(0);
const t = initTRPC.create({ transformer: superjson });
const router = t.router({
  orders: t.router({
    updates: t.procedure.subscription(async function* ({ signal }) {
      for await (const [number] of on(emitter, 'order', { signal })) {
        const orders = number as number;
        yield tracked(String(orders), { type: 'orders.imported', orders, lines: 1 });
      }
    }),
  }),
});

const server = createServer((request, response) => {
  const number = Number(request.url?.slice(1));
  if (!Number.isNaN(number)) emitter.emit('order', number);
  response.end();
});
applyWSSHandler({ wss: new WebSocketServer({ server, path: '/ws' }), router });
server.listen(Number(process.env['PEER_PORT'] ?? 0), '127.0.0.1', 4096, () =>
  announce((server.address() as { port: number }).port),
);
