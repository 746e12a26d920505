import { once } from 'node:events';
import type { Server, ServerResponse } from 'node:http';
import { Server as TcpServer, type Socket } from 'node:net';

interface Connection {
  /** Answers that are not yet finished. */
  busy: number;
  idleSince: number;
}

/** Closes a server: answers what has been asked, and tells its clients to leave before it leaves them. */
export type Drain = (options: { readonly farewellMs: number }) => Promise<void>;

const sweepMs = 50;
const turnsToLearn = 20;
const quietWithinMs = 500;

/**
 * Watches a server's connections, from before it listens. Node's own `close` cuts kept connections on which a request may
 * be on its way, and waits for ever for those on which none ever comes.
 */
export function drainable(server: Server): Drain {
  const connections = new Map<Socket, Connection>();
  const answers = new Set<ServerResponse>();
  let draining = false;

  server.on('connection', (socket: Socket) => {
    connections.set(socket, { busy: 0, idleSince: performance.now() });
    socket.once('close', () => connections.delete(socket));
  });
  server.prependListener('request', ({ socket }, response) => {
    const connection = connections.get(socket);
    answers.add(response);
    if (connection) connection.busy++;
    if (draining) response.setHeader('Connection', 'close');
    response.once('close', () => {
      answers.delete(response);
      if (!connection) return;
      connection.busy--;
      connection.idleSince = performance.now();
    });
  });
  // What is no HTTP any more is somebody else's to end.
  server.prependListener('upgrade', ({ socket }) => connections.delete(socket));

  return async ({ farewellMs }) => {
    const closed = once(server, 'close');
    await quietTurn();
    TcpServer.prototype.close.call(server);
    // Only now: whoever is told to leave connects anew, and would be cut off by the close.
    draining = true;
    const start = performance.now();
    for (const answer of answers) if (!answer.headersSent) answer.setHeader('Connection', 'close');
    // Connections that are kept get the time to ask once more, and to hear that they should leave.
    const sweep = setInterval(() => {
      const before = performance.now() - farewellMs;
      for (const [socket, { busy, idleSince }] of connections)
        if (busy === 0 && Math.max(idleSince, start) < before) socket.destroySoon();
    }, sweepMs);
    try {
      await closed;
    } finally {
      clearInterval(sweep);
      // Ends the timer with which Node looks after connections.
      server.close(() => {});
    }
  };
}

/**
 * Who has connected and is not accepted yet is cut off by the close. All are accepted in a turn of the event loop, so the
 * close comes after one that was as short as any, or within half a second where a busy process has none.
 */
async function quietTurn(): Promise<void> {
  let shortest = Infinity;
  const until = performance.now() + quietWithinMs;
  for (let turn = 0, start = performance.now(); start < until; turn++, start = performance.now()) {
    await new Promise((next) => setImmediate(next));
    const ms = performance.now() - start;
    if (turn > turnsToLearn && ms <= shortest * 1.5) return;
    shortest = Math.min(shortest, ms);
  }
}
