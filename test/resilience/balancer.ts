import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** Stands in front of servers, of which one at a time takes new connections; what is open stays where it is. */
export interface Balancer {
  readonly url: string;
  /** Where new connections go. */
  target: string;
  /** When connections were taken, by `performance.now()`, and how their answers began. */
  readonly taken: { readonly at: number; status: number }[];
  close(): Promise<void>;
}

export async function startBalancer(target: string): Promise<Balancer> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const { hostname, port } = new URL(balancer.target);
    const upstream = connect(Number(port), hostname);
    const connection = { at: performance.now(), status: 0 };
    balancer.taken.push(connection);
    upstream.once('data', (chunk: Buffer) => {
      connection.status = Number(/^HTTP\/1\.1 (\d+)/.exec(chunk.toString('latin1'))?.[1] ?? 0);
    });
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(one);
      one
        .on('error', () => undefined)
        .once('close', () => {
          sockets.delete(one);
          other.destroy();
        });
    }
    client.pipe(upstream).pipe(client);
  });
  server.listen(0, '127.0.0.1', 4096);
  await once(server, 'listening');
  const balancer: Balancer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    target,
    taken: [],
    close: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
  return balancer;
}
