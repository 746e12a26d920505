import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import type { Ends } from './packets.ts';

/** The network between subscribers and servers. */
export interface Wire {
  readonly host: string;
  /** Breaks every connection with a reset. */
  reset(): void;
  /** Both ends keep their connections, but nothing comes through any more, not even their ends; new ones work. */
  leaveHalfOpen(): void;
  /** The connections that stand. */
  connections(): Ends[];
  close(): Promise<void>;
}

export async function startWire(to: number): Promise<Wire> {
  const pairs = new Set<readonly [Socket, Socket]>();
  const dead = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(to, '127.0.0.1');
    const pair = [near, far] as const;
    pairs.add(pair);
    for (const [from, other] of [pair, [far, near] as const]) {
      from.setNoDelay(true);
      from.on('error', () => {});
      from.pipe(other);
      from.on('close', () => {
        pairs.delete(pair);
        other.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    reset() {
      for (const [near, far] of pairs) {
        near.resetAndDestroy();
        far.resetAndDestroy();
      }
    },
    connections: () => [...pairs].map(([, far]) => ({ from: far.localPort ?? 0, to })),
    leaveHalfOpen() {
      for (const pair of pairs) {
        pairs.delete(pair);
        for (const socket of pair) {
          socket.unpipe();
          socket.removeAllListeners('close');
          // What comes is taken in and forgotten, as by a network that drops it.
          socket.resume();
          socket.removeAllListeners('end');
          dead.add(socket);
        }
      }
    },
    async close() {
      const closed = new Promise((done) => server.close(done));
      for (const socket of [...pairs].flat()) socket.destroy();
      for (const socket of dead) socket.destroy();
      await closed;
    },
  };
}
