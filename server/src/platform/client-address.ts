import ipaddr from 'ipaddr.js';
import { LRUCache } from 'lru-cache';
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import proxyAddr from 'proxy-addr';

/**
 * Tells a client's address, believing `X-Forwarded-For` only from the proxies named (addresses or CIDR). IPv4 in IPv6
 * clothes is told as IPv4; what is no address is told as the proxy's.
 */
export function clientAddress(trustedProxies: readonly string[]): (request: IncomingMessage) => string {
  if (trustedProxies.length === 0) return ({ socket }) => peerOf(socket.remoteAddress);
  const trust = proxyAddr.compile([...trustedProxies]);
  return (request) => {
    const address = plain(withoutPort(proxyAddr(request, trust)));
    return isIP(address) === 0 ? peerOf(request.socket.remoteAddress) : address;
  };
}

/** Whether an address is that of a proxy which was named: many clients share it. */
export function proxyCheck(trustedProxies: readonly string[]): (address: string) => boolean {
  if (trustedProxies.length === 0) return () => false;
  const trust = proxyAddr.compile([...trustedProxies]);
  return (address) => isIP(address) !== 0 && trust(address, 0);
}

export const peerOf = (address: string | undefined): string => plain(address ?? 'unknown');

const plain = (address: string): string => {
  const match = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i.exec(address);
  return match?.[1] ?? address;
};

/** Some proxies send the port, too: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
const withoutPort = (text: string): string =>
  /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1] ?? /^(\d+(?:\.\d+){3}):\d+$/.exec(text)?.[1] ?? text;

const networks = new LRUCache<string, string>({ max: 10_000 });

/** The address itself, or for IPv6 its /64: a customer is given at least one of those, and may take any address in it. */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  let network = networks.get(address);
  if (network === undefined) {
    network = ipaddr.IPv6.isValid(address)
      ? `${ipaddr.IPv6.parse(address)
          .parts.slice(0, 4)
          .map((part) => part.toString(16))
          .join(':')}::/64`
      : address;
    networks.set(address, network);
  }
  return network;
}
