import cors from 'cors';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/** The port and the protocols behind it. Each takes the path below its own. */
export interface HttpServerOptions {
  readonly trpc: (request: IncomingMessage, response: ServerResponse, path: string) => void;
  readonly rest: (request: IncomingMessage, response: ServerResponse, path: string) => void;
  /** Health, metrics, documents: everything that is no procedure. */
  readonly edge: RequestListener;
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** Origins of browsers that may call from other sites; none when empty. */
  readonly allowedOrigins: readonly string[];
  /** Media types whose bodies are streamed and may take their time. */
  readonly uploadTypes: ReadonlySet<string>;
}

const bodyDeadlineMs = 30_000;
const exposedHeaders = [
  'ETag',
  'Link',
  'Location',
  'RateLimit',
  'RateLimit-Policy',
  'Retry-After',
  'X-Request-Id',
  'X-Total-Count',
  'Idempotency-Replayed',
  'traceparent',
];

/** One server for every protocol. `/trpc` and `/api/v1` are dispatched ahead of express, which serves the rest. */
export function createHttpServer(options: HttpServerOptions): Server {
  const { trpc, rest, edge, upgrade, allowedOrigins, uploadTypes } = options;
  const crossOrigin = cors({ origin: [...allowedOrigins], credentials: false, exposedHeaders, maxAge: 600 });

  const dispatch: RequestListener = (request, response) => {
    const path = pathOf(request.url);
    if (path.startsWith('/trpc/')) trpc(request, response, path.slice('/trpc/'.length));
    else if (path === '/api/v1' || path.startsWith('/api/v1/')) rest(request, response, path.slice('/api/v1'.length));
    else edge(request, response);
  };

  const server = createServer(
    {
      maxHeaderSize: 32_768,
      headersTimeout: 10_000,
      requestTimeout: 0,
      keepAliveTimeout: 30_000,
      connectionsCheckingInterval: 5_000,
    },
    (request, response) => {
      boundBody(request, uploadTypes);
      if (request.headers.origin === undefined) dispatch(request, response);
      else crossOrigin(request, response, () => dispatch(request, response));
    },
  );
  server.maxHeadersCount = 100;
  // Beyond every deadline of a call, and beyond the signs of life of a stream: who takes nothing for so long has left.
  server.timeout = 60_000;
  server.on('upgrade', upgrade);
  // A connection that breaks HTTP gets one plain answer; the default would leave it open for writing.
  server.on('clientError', (_, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    else socket.destroy();
  });
  return server;
}

/** Node's own request timeout would also end uploads that take their time, so other bodies are bounded here. */
function boundBody(request: IncomingMessage, uploadTypes: ReadonlySet<string>): void {
  const { 'content-length': length, 'transfer-encoding': encoding, 'content-type': type } = request.headers;
  if ((length === undefined || length === '0') && encoding === undefined) return;
  if (uploadTypes.has(type?.split(';')[0]?.trim().toLowerCase() ?? '')) {
    // Once all of it is here it is ours to work on, for minutes maybe: silence is no sign then that the sender has left.
    request.once('end', () => request.socket.setTimeout(0));
    return;
  }
  const timer = setTimeout(() => {
    if (!request.complete) request.destroy();
  }, bodyDeadlineMs);
  request.once('close', () => clearTimeout(timer));
}

function pathOf(url = '/'): string {
  const end = url.search(/[?#]/);
  return end === -1 ? url : url.slice(0, end);
}
