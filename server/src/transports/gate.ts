import type { IncomingMessage, ServerResponse } from 'node:http';
import { Failure } from '../kernel/failure.ts';
import { refusedAddress } from '../kernel/steps/authenticate.ts';
import type { AddressOf } from './caller.ts';
import { errorShape } from './error-codes.ts';
import { ambiguityOf } from './framing.ts';
import { issue } from './input-issue.ts';
import { foreignCheck, type OwnOrigins } from './origin.ts';
import { reply, replyFailure, requestIdFor, type Exchange } from './reply.ts';
import { encodeAnything } from './wire.ts';

export interface GateOptions extends OwnOrigins {
  readonly addressOf: AddressOf;
  /** Whether the operator's lists keep an address out. */
  readonly refuses: (address: string) => boolean;
}

/** What every request must pass, whatever its protocol, before anything is done for it. */
export interface Gate {
  /** Why a request, or one to become a WebSocket, is turned away; null when it may pass. */
  check(request: IncomingMessage): Failure | null;
  /** Whether the operator's lists keep out the one who sent it. */
  refuses(request: IncomingMessage): boolean;
}

/** Asking for another method than the request's own is a way around rules that go by the method. */
const overrides = ['x-http-method-override', 'x-http-method', 'x-method-override'] as const;

export function createGate({ addressOf, refuses, ...own }: GateOptions): Gate {
  const isForeign = foreignCheck(own);
  const refusesRequest = (request: IncomingMessage) => refuses(addressOf(request));
  return {
    refuses: refusesRequest,
    check(request) {
      const ambiguity = ambiguityOf(request);
      if (ambiguity !== null) return issue('', ambiguity, 'ambiguous_request');
      const { headers, method = 'GET', url = '' } = request;
      // Whoever watches over the process must learn how it is from wherever they are.
      if (refusesRequest(request) && !url.startsWith('/health')) return refusedAddress();
      for (const name of overrides)
        if (headers[name] !== undefined)
          return new Failure('METHOD_NOT_ALLOWED', { allowed: [method] }, { detail: `${name} is not heeded here` });
      const changes = !/^(?:GET|HEAD|OPTIONS)$/.test(method) || headers.upgrade !== undefined;
      if (changes && isForeign(request))
        return new Failure(
          'FORBIDDEN',
          { permission: null },
          { detail: 'Pages of this origin may not call from there' },
        );
      return null;
    },
  };
}

/** Answers what was turned away in the form of the protocol that it was meant for. What is ambiguous ends its connection. */
export function turnAway(request: IncomingMessage, response: ServerResponse, failure: Failure): void {
  const path = (request.url ?? '/').split(/[?#]/, 1)[0] ?? '/';
  const exchange: Exchange = { request, response, path, notes: {}, caller: null };
  if (failure.status === 400) response.setHeader('connection', 'close');
  if (!path.startsWith('/trpc/')) return replyFailure(exchange, failure);
  const requestId = requestIdFor(exchange);
  reply(exchange, {
    status: failure.status,
    headers: { 'content-type': 'application/json', 'x-request-id': requestId, 'cache-control': 'private, no-store' },
    body: `{"error":${encodeAnything(errorShape(failure, { requestId }))}}`,
  });
}
