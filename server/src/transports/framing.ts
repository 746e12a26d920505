import type { IncomingMessage } from 'node:http';

/** Headers of which two would let a proxy and this server each believe another one. */
const singletons = new Set(['host', 'authorization', 'content-type', 'origin', 'upgrade', 'expect', 'sec-fetch-site']);
const lengths = new Set([...singletons].map((name) => name.length));

/**
 * What is ambiguous about a request that Node's parser has let pass, where two servers in a row might see two requests
 * or two hosts; null for nothing. RFC 9112 §3.2, §3.2.2, §6.1, §11.2; RFC 9110 §9.3.1.
 */
export function ambiguityOf(request: IncomingMessage): string | null {
  const { headers, rawHeaders, method } = request;
  if (hasDuplicate(rawHeaders)) return 'A header that may be sent once is sent twice';
  if (request.httpVersionMajor !== 1) return 'The protocol must be HTTP/1.1 or HTTP/1.0';
  const encoding = headers['transfer-encoding'];
  const length = headers['content-length'];
  if (encoding !== undefined) {
    if (request.httpVersion !== '1.1') return 'HTTP/1.0 has no transfer coding';
    if (length !== undefined) return 'A body has either a length or a transfer coding';
    if (encoding.trim().toLowerCase() !== 'chunked') return 'The only transfer coding is chunked';
  }
  const framed = encoding !== undefined || (length !== undefined && Number(length) !== 0);
  if (framed && (method === 'GET' || method === 'HEAD' || request.headers.upgrade !== undefined))
    return 'This request may have no body';
  return targetFault(request);
}

/** An absolute address must name the same host as `Host`, and is cut down to its path. */
function targetFault(request: IncomingMessage): string | null {
  const { url = '', method, headers } = request;
  if (url.startsWith('/') || (url === '*' && method === 'OPTIONS')) return null;
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) return 'The address of the request must be a path';
  const { host, pathname, search } = new URL(url);
  if (host !== headers.host?.toLowerCase()) return 'The address and the Host header name two hosts';
  request.url = pathname + search;
  return null;
}

function hasDuplicate(rawHeaders: readonly string[]): boolean {
  let seen: Set<string> | undefined;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const raw = rawHeaders[index]!;
    if (!lengths.has(raw.length)) continue;
    const name = raw.toLowerCase();
    if (!singletons.has(name)) continue;
    if (seen?.has(name)) return true;
    (seen ??= new Set()).add(name);
  }
  return false;
}
