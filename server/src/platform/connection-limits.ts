import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { networkOf, peerOf } from './client-address.ts';

export interface ConnectionLimits {
  /** Connections at once; the system is told to drop more. */
  readonly max: number;
  /** Of them, those of one address, or one /64 of IPv6. */
  readonly perAddress: number;
  /** Whether many clients share an address, as they do a proxy's. */
  readonly isProxy: (address: string) => boolean;
}

/** Bounds a server's connections, so that no address can take them all. */
export function limitConnections(server: Server, { max, perAddress, isProxy }: ConnectionLimits): void {
  const open = new Map<string, number>();
  server.maxConnections = max;
  server.prependListener('connection', (socket: Socket) => {
    const address = peerOf(socket.remoteAddress);
    if (isProxy(address)) return;
    const network = networkOf(address);
    const count = (open.get(network) ?? 0) + 1;
    if (count > perAddress) {
      socket.destroy();
      return;
    }
    open.set(network, count);
    socket.once('close', () => {
      const left = (open.get(network) ?? 1) - 1;
      if (left === 0) open.delete(network);
      else open.set(network, left);
    });
  });
}
