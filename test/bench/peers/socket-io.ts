import { createAdapter } from '@socket.io/redis-streams-adapter';
import { Redis } from 'ioredis';
import { createServer } from 'node:http';
import { Server } from 'socket.io';
import { announce } from './common.ts';

// As its documents recommend for events that must not be missed: state recovery, over the adapter that keeps a log.
const redis = new Redis(process.env['PEER_REDIS_URL'] ?? 'redis://127.0.0.1:6379');
const server = createServer((request, response) => {
  const number = Number(request.url?.slice(1));
  if (!Number.isNaN(number))
    io.emit('order', { type: 'orders.imported', orders: number, lines: 1, id: String(number) });
  response.end();
});
const io = new Server(server, {
  transports: ['websocket'],
  adapter: createAdapter(redis, { streamName: process.env['PEER_STREAM'] ?? 'bench', maxLen: 100_000 }),
  connectionStateRecovery: { maxDisconnectionDuration: 120_000, skipMiddlewares: true },
});
server.listen(Number(process.env['PEER_PORT'] ?? 0), '127.0.0.1', 4096, () =>
  announce((server.address() as { port: number }).port),
);
