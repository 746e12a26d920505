import cors from 'cors';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Failure } from '../kernel/failure.ts';
import { turnAway, type Gate } from './gate.ts';
import type { OpenAnswers } from './open-answers.ts';

/** The port and the protocols behind it. Each takes the path below its own. */
export interface HttpServerOptions {
  readonly trpc: (request: IncomingMessage, response: ServerResponse, path: string) => void;
  readonly rest: (request: IncomingMessage, response: ServerResponse, path: string) => void;
  /** Health, metrics, documents: everything that is no procedure. */
  readonly edge: RequestListener;
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** Answers a request to become a WebSocket that was turned away. */
  readonly refuseUpgrade: (request: IncomingMessage, socket: Duplex, failure: Failure) => void;
  readonly gate: Gate;
  readonly answers: OpenAnswers;
  /** Whether clients come by TLS, which a proxy ends: browsers are then told to use nothing else for a year. */
  readonly tls: boolean;
  /** Origins of browsers that may call from other sites; none when empty. */
  readonly allowedOrigins: readonly string[];
  /** Media types whose bodies are streamed and may take their time. */
  readonly uploadTypes: ReadonlySet<string>;
}

const bodyDeadlineMs = 30_000;
/** For which a connection that broke HTTP is kept, so that its answer can be read. */
const farewellMs = 1_000;
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
  const { trpc, rest, edge, upgrade, refuseUpgrade, gate, answers, tls, allowedOrigins, uploadTypes } = options;
  const crossOrigin = cors({ origin: [...allowedOrigins], credentials: false, exposedHeaders, maxAge: 600 });

  const dispatch: RequestListener = (request, response) => {
    const path = pathOf(request.url);
    if (path.startsWith('/trpc/')) trpc(request, response, path.slice('/trpc/'.length));
    else if (path === '/api/v1' || path.startsWith('/api/v1/')) rest(request, response, path.slice('/api/v1'.length));
    else edge(request, response);
  };

  const lastAnswer = new WeakMap<Duplex, ServerResponse>();
  const server = createServer(
    {
      maxHeaderSize: 32_768,
      insecureHTTPParser: false,
      requireHostHeader: true,
      headersTimeout: 10_000,
      requestTimeout: 0,
      keepAliveTimeout: 30_000,
      connectionsCheckingInterval: 1_000,
    },
    (request, response) => {
      if (!answers.add(request, response)) return;
      lastAnswer.set(request.socket, response);
      boundBody(request, uploadTypes);
      if (tls) response.setHeader('strict-transport-security', 'max-age=31536000; includeSubDomains');
      const failure = gate.check(request);
      if (failure) turnAway(request, response, failure);
      else if (request.headers.origin === undefined) dispatch(request, response);
      else crossOrigin(request, response, () => dispatch(request, response));
    },
  );
  server.maxHeadersCount = 100;
  // Beyond every deadline of a call, and beyond the signs of life of a stream: who takes nothing for so long has left.
  server.timeout = 60_000;
  server.on('timeout', (socket: Socket) => {
    // Of a connection that is closed in order the system keeps what was not read, for as long as its reader likes.
    if (isUnderWay(lastAnswer.get(socket))) socket.resetAndDestroy();
    else socket.destroy();
  });
  server.on('upgrade', (request, socket, head) => {
    const failure = gate.check(request);
    if (failure) refuseUpgrade(request, socket, failure);
    else upgrade(request, socket, head);
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) =>
    refuseBroken(error, socket as Socket, lastAnswer.get(socket)),
  );
  return server;
}

const isUnderWay = (answer: ServerResponse | undefined): answer is ServerResponse =>
  answer !== undefined && !answer.writableFinished && !answer.destroyed;

/** A connection that breaks HTTP gets one plain answer, unless it was given one for what it broke, or told that it had its last. */
function refuseBroken({ code }: NodeJS.ErrnoException, socket: Socket, last: ServerResponse | undefined): void {
  if (isUnderWay(last) && !last.headersSent && last.req.complete) {
    // What is broken comes behind a request that is whole.
    last.setHeader('Connection', 'close');
    last.once('finish', () => socket.destroySoon());
  } else if (socket.writable && !(isUnderWay(last) && last.headersSent) && last?.shouldKeepAlive !== false) {
    const status = code === 'ERR_HTTP_REQUEST_TIMEOUT' ? '408 Request Timeout' : '400 Bad Request';
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    // Whoever goes on sending, however little, would otherwise keep the connection.
    const gone = setTimeout(() => socket.destroy(), farewellMs);
    socket.once('close', () => clearTimeout(gone));
  } else socket.destroySoon();
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
