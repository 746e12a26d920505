import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocketServer, type WebSocket } from 'ws';
import type { Caller, Principal } from '../kernel/context.ts';
import type { Kernel } from '../kernel/execute.ts';
import { Failure, toFailure } from '../kernel/failure.ts';
import { defaultPace, oneByOne, spreadMs, type Pace } from './departures.ts';
import { callerOf, requestIdOf, type AddressOf } from './caller.ts';
import { credentialWatch } from './credential-watch.ts';
import { failureShape } from './error-codes.ts';
import { issue } from './input-issue.ts';
import { defaultTrpcLimits, type TrpcLimits } from './trpc-limits.ts';
import { closeCodes, Connection, type Sockets } from './ws-connection.ts';

export interface TrpcWsOptions {
  readonly kernel: Kernel;
  readonly addressOf: AddressOf;
  readonly limits?: Partial<TrpcLimits>;
  /** At which clients are asked to move to another replica. */
  readonly pace?: Pace;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}
export interface TrpcWs {
  /** Takes an upgrade over, or answers it as plain HTTP. */
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** Asks the clients one after another to move to another replica, and closes a socket once its queries and mutations are answered. */
  readonly drain: () => Promise<void>;
  /** Closes every socket at once. */
  readonly close: () => void;
  /** Closes the sockets of those who may no longer be here. */
  readonly cut: (isRefused: (caller: Caller) => boolean) => void;
  /** Sockets that are open now. */
  readonly open: number;
}

const path = '/ws';
/** For which a client that was asked to move may keep its idle socket. */
const graceMs = 2_000;
/** Clients that would come back within less than this anyhow need not be told. */
const leastSpreadMs = 1_000;
/** For which a closed socket is kept to read the other side's goodbye. */
const closeTimeoutMs = 2_000;

/** tRPC over WebSocket at `/ws`, for stock clients. */
export function trpcWs(options: TrpcWsOptions): TrpcWs {
  const { kernel, addressOf } = options;
  const limits = { ...defaultTrpcLimits, ...options.limits };
  const { pace = defaultPace } = options;
  const sockets: Sockets = { kernel, limits, watch: credentialWatch(kernel), now: options.now ?? Date.now };
  const server = new WebSocketServer({ ...serverOptions, maxPayload: limits.bodyBytes });
  const connections = new Set<Connection>();
  let sweeping: NodeJS.Timeout | undefined;
  let draining = false;

  /** What the clients were told last. */
  let toldMs = 0;

  const sweep = () => {
    const now = performance.now();
    for (const connection of connections) connection.sweep(now);
    const ms = spreadMs(connections.size, pace);
    if (Math.max(ms, toldMs) < leastSpreadMs || Math.abs(ms - toldMs) < toldMs / 10) return;
    toldMs = ms;
    for (const connection of connections) connection.tellSpread(ms);
  };
  const add = (ws: WebSocket, socket: Socket, { caller, principal }: Identified) => {
    const connection = new Connection(ws, socket, { caller, sockets });
    if (principal) connection.signIn(caller, principal);
    connections.add(connection);
    if (toldMs >= leastSpreadMs) connection.tellSpread(toldMs);
    sweeping ??= setInterval(sweep, limits.sweepMs).unref();
    ws.once('close', () => {
      connections.delete(connection);
      if (connections.size > 0) return;
      clearInterval(sweeping);
      sweeping = undefined;
    });
  };
  const accept = async (request: IncomingMessage): Promise<Identified> => {
    if (request.headers.upgrade?.toLowerCase() !== 'websocket')
      throw issue('', 'The only protocol to change to is websocket', 'invalid_upgrade');
    if (pathOf(request) !== path) throw new Failure('NOT_FOUND', null);
    if (draining) throw new Failure('UNAVAILABLE', { retryAfter: 1 });
    const caller = callerOf(request, 'trpc-ws', addressOf);
    return { caller, principal: await kernel.greet(caller) };
  };
  const take = async (request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    try {
      const identified = await accept(request);
      server.handleUpgrade(request, socket, head, (ws) => add(ws, socket as Socket, identified));
    } catch (cause) {
      refuseUpgrade(request, socket, toFailure(cause));
    }
  };

  return {
    upgrade(request, socket, head) {
      socket.on('error', destroy);
      void take(request, socket, head);
    },
    async drain() {
      draining = true;
      const start = performance.now();
      const asked = new Map<Connection, number>();
      void oneByOne([...connections], pace, (connection) => {
        connection.askToReconnect();
        asked.set(connection, performance.now());
      });
      for (let now = start; connections.size > 0 && now - start < limits.drainMs; now = performance.now()) {
        for (const connection of connections)
          if (now - (asked.get(connection) ?? now) >= graceMs && !connection.isAnswering)
            connection.end(closeCodes.restart, 'the server restarts');
        await sleep(50);
      }
      for (const connection of connections) connection.end(closeCodes.restart, 'the server restarts');
    },
    close() {
      draining = true;
      for (const connection of connections) connection.end(closeCodes.goingAway, 'the server stops');
    },
    cut(isRefused) {
      for (const connection of connections)
        if (isRefused(connection.caller))
          connection.end(closeCodes.forbidden, 'calls from this address are not admitted');
    },
    get open() {
      return connections.size;
    },
  };
}

/** A function of its own: a closure would keep the request as long as the socket. */
function destroy(this: Duplex): void {
  this.destroy();
}

interface Identified {
  readonly caller: Caller;
  readonly principal: Principal | null;
}

const serverOptions = {
  noServer: true,
  clientTracking: false,
  // Compression would cost each socket 300 KB and opens the door to bombs.
  perMessageDeflate: false,
  maxFragments: 1_024,
  closeTimeout: closeTimeoutMs,
} as const;

const pathOf = ({ url = '' }: IncomingMessage): string => url.split(/[?#]/, 1)[0] ?? '';

const reasons: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  429: 'Too Many Requests',
  503: 'Service Unavailable',
};

/** Answers as plain HTTP and lets go of the socket. */
export function refuseUpgrade(request: IncomingMessage, socket: Duplex, failure: Failure): void {
  const requestId = requestIdOf(request);
  const body = JSON.stringify({ error: failureShape(failure, requestId) });
  const { status, retryAfter } = failure;
  const lines = [
    `HTTP/1.1 ${status} ${reasons[status] ?? 'Error'}`,
    'Connection: close',
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-Id: ${requestId}`,
    ...(status === 401 ? ['WWW-Authenticate: Bearer'] : []),
    ...(retryAfter === null ? [] : [`Retry-After: ${Math.ceil(retryAfter)}`]),
  ];
  socket.on('error', destroy);
  socket.once('finish', () => socket.destroy());
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`);
}
