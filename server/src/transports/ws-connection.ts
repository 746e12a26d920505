import type { Socket } from 'node:net';
import type { RawData, WebSocket } from 'ws';
import type { Caller, Principal } from '../kernel/context.ts';
import type { Kernel } from '../kernel/execute.ts';
import { Failure, toFailure } from '../kernel/failure.ts';
import { credentialOf } from './connection-params.ts';
import { reachesTheSame, type CredentialWatch } from './credential-watch.ts';
import { issue } from './input-issue.ts';
import type { TrpcLimits } from './trpc-limits.ts';
import { Calls, errorText } from './ws-calls.ts';
import { headOf, headOfNone, readMessage, type Message } from './ws-message.ts';
import { Outlet } from './ws-outlet.ts';

/** Why a socket is closed: RFC 6455 §7.4.1, and from 4000 our own. */
export const closeCodes = {
  goingAway: 1001,
  policy: 1008,
  restart: 1012,
  tryAgainLater: 1013,
  unauthenticated: 4401,
  forbidden: 4403,
  slowReader: 4408,
} as const;

/** What all sockets share. */
export interface Sockets {
  readonly kernel: Kernel;
  readonly limits: TrpcLimits;
  readonly watch: CredentialWatch;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Malformed messages that are answered before the sender is taken for hostile. */
const faultsForgiven = 20;

/**
 * One socket of tRPC's WebSocket protocol. A `connectionParams` message signs its calls in, at first or again: a client
 * that sends one with a new token, `{ id, method: 'connectionParams', data: { token } }`, keeps its socket and its
 * subscriptions beyond the old token's life, and is answered once the token has been found good.
 */
export class Connection {
  readonly #ws: WebSocket;
  readonly #sockets: Sockets;
  readonly #outlet: Outlet;
  readonly #openedAt = performance.now();
  #caller: Caller;
  #principal: Principal | null = null;
  #calls: Calls | null = null;
  #unwatch: (() => void) | null = null;
  #sequence = 0;
  #messages = 0;
  #faults = 0;
  /** Credentials that are being looked at. */
  #signIns = 0;
  #askedAt = performance.now();
  #heard = true;

  constructor(ws: WebSocket, socket: Socket, { caller, sockets }: { caller: Caller; sockets: Sockets }) {
    this.#ws = ws;
    this.#caller = caller;
    this.#sockets = sockets;
    const onSlow = () => this.end(closeCodes.slowReader, 'the reader is too slow; resume from the last event');
    this.#outlet = new Outlet(ws, socket, { limits: sockets.limits, onSlow });
    ws.on('message', (data, isBinary) => this.#receive(data, isBinary));
    ws.on('pong', () => {
      this.#heard = true;
    });
    // ws closes by itself what breaks its protocol; without a listener the process would end instead.
    ws.on('error', () => undefined);
    ws.once('close', () => this.#release());
  }

  /** Signs the socket in with a principal that was found at the handshake. */
  signIn(caller: Caller, principal: Principal): void {
    this.#caller = caller;
    this.#principal = principal;
    this.#unwatch?.();
    this.#unwatch = this.#sockets.watch.watch(caller, principal, (failure) => this.#refuse(failure));
  }

  get caller(): Caller {
    return this.#caller;
  }

  get isAnswering(): boolean {
    return (this.#calls?.unanswered ?? 0) > 0;
  }

  /** Asks the client to open another socket and move to it; this one is served meanwhile. */
  askToReconnect(): void {
    this.#outlet.send('{"id":null,"method":"reconnect"}');
  }

  /** Tells over which time clients are to come back, should they lose their sockets together. Others than ours do not heed it. */
  tellSpread(ms: number): void {
    this.#outlet.send(`{"id":null,"method":"spread","params":{"ms":${Math.round(ms)}}}`);
  }

  /** Closes, and stops every call. */
  end(code: number, reason: string): void {
    this.#calls?.stopAll();
    this.#ws.close(code, reason);
  }

  /** Looks after the socket; called every `sweepMs`. `now` by `performance.now()`. */
  sweep(now: number): void {
    if (this.#ws.readyState !== this.#ws.OPEN) return;
    const { authDeadlineMs, pingMs } = this.#sockets.limits;
    this.#messages = 0;
    // A sign-in that is under way when the time is over is answered first.
    const patience = this.isAnswering || this.#signIns > 0 ? 2 * authDeadlineMs : authDeadlineMs;
    if (!this.#principal && now - this.#openedAt >= patience) {
      this.#refuse(new Failure('UNAUTHENTICATED', null, { detail: `No credential within ${authDeadlineMs} ms` }));
    } else if (this.#principal && this.#principal.expiresAt <= this.#sockets.now()) {
      this.#refuse(new Failure('UNAUTHENTICATED', null, { detail: 'The credential has expired' }));
    } else if (this.#outlet.isStalled(now)) {
      this.end(closeCodes.slowReader, 'the reader has stopped; resume from the last event');
    } else if (now - this.#askedAt >= pingMs) {
      if (!this.#heard) return this.#ws.terminate();
      this.#heard = false;
      this.#askedAt = now;
      this.#ws.ping();
    }
  }

  #release(): void {
    this.#unwatch?.();
    this.#calls?.stopAll();
  }

  #receive(data: RawData, isBinary: boolean): void {
    if (this.#ws.readyState !== this.#ws.OPEN) return;
    this.#heard = true;
    if (!this.#count(1)) return;
    // oxlint-disable-next-line typescript/no-base-to-string
    const text = isBinary ? '' : data.toString();
    if (text === 'PING') return this.#outlet.send('PONG');
    if (text === 'PONG') return;
    let frame: unknown;
    try {
      frame = JSON.parse(text);
    } catch {
      return this.#fault(headOfNone, issue('', 'must be a text message of valid JSON', 'invalid_json'));
    }
    if (!Array.isArray(frame)) return this.#take(frame);
    const { messageCalls } = this.#sockets.limits;
    if (!this.#count(Math.max(0, frame.length - 1))) return;
    if (frame.length > messageCalls) {
      const failure = issue('', `must hold at most ${messageCalls} calls, not ${frame.length}`, 'too_big');
      for (const message of frame) this.#tell(headOf(message), failure);
    } else for (const message of frame) this.#take(message);
  }

  /** Counts messages; a flood ends the socket. */
  #count(messages: number): boolean {
    const { socketMessagesPerSecond, sweepMs } = this.#sockets.limits;
    this.#messages += messages;
    if (this.#messages <= (socketMessagesPerSecond * Math.max(sweepMs, 1000)) / 1000) return true;
    this.end(closeCodes.policy, 'too many messages');
    return false;
  }

  #take(raw: unknown): void {
    let message: Message;
    try {
      message = readMessage(raw);
    } catch (cause) {
      return this.#fault(headOf(raw), toFailure(cause));
    }
    if (message.type === 'stop') this.#calls?.stop(message.id);
    else if (message.type === 'connectionParams') void this.#authenticate(message.data, message.head);
    else {
      const { id, head, call } = message;
      const requestId = call.requestId ?? `${this.#caller.requestId}.${++this.#sequence}`;
      const { kernel, limits } = this.#sockets;
      this.#calls ??= new Calls({ kernel, limits, outlet: this.#outlet });
      this.#calls.start({ id, head, call, caller: { ...this.#caller, requestId } });
    }
  }

  async #authenticate(params: unknown, head: string | null): Promise<void> {
    const { kernel } = this.#sockets;
    this.#signIns++;
    try {
      const credential = credentialOf(params);
      if (credential === null) return;
      const { principal: _, ...base } = this.#caller;
      const caller: Caller = { ...base, credential };
      // Calls that follow are the new caller's at once; the kernel asks about each.
      this.#caller = caller;
      const principal = await kernel.identify(caller);
      if (this.#caller !== caller || this.#ws.readyState !== this.#ws.OPEN || !principal) return;
      if (this.#principal && !reachesTheSame(this.#principal, principal))
        throw new Failure('UNAUTHENTICATED', null, { detail: 'Another caller needs another socket' });
      this.signIn(caller, principal);
      if (head !== null) this.#outlet.send(`${head},"result":{"type":"data","data":{"json":null}}}`);
    } catch (cause) {
      this.#refuse(toFailure(cause));
    } finally {
      this.#signIns--;
    }
  }

  /** Tells why, and closes: `4401` for credentials, `4403` for addresses, `1013` for what may pass. */
  #refuse(failure: Failure): void {
    this.#tell(headOfNone, failure);
    const { code } = failure;
    if (code === 'UNAVAILABLE') this.end(closeCodes.tryAgainLater, 'try again later');
    else if (code === 'FORBIDDEN') this.end(closeCodes.forbidden, failure.message);
    // A reason has room for 123 bytes.
    else this.end(closeCodes.unauthenticated, failure.message.slice(0, 40));
  }

  #fault(head: string, failure: Failure): void {
    if (++this.#faults > faultsForgiven) this.end(closeCodes.policy, 'too many malformed messages');
    else this.#tell(head, failure);
  }

  #tell(head: string, failure: Failure): void {
    this.#outlet.send(errorText(head, failure, { requestId: this.#caller.requestId }));
  }
}
