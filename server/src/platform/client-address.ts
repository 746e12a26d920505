import type { IncomingMessage } from 'node:http';
import proxyAddr from 'proxy-addr';

/** Tells a client's address, believing `X-Forwarded-For` only from the proxies named (addresses or CIDR). */
export function clientAddress(trustedProxies: readonly string[]): (request: IncomingMessage) => string {
  if (trustedProxies.length === 0) return (request) => request.socket.remoteAddress ?? 'unknown';
  const trust = proxyAddr.compile([...trustedProxies]);
  return (request) => proxyAddr(request, trust);
}
