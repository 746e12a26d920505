import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Caller, Protocol } from '../kernel/context.ts';
import { invalidInput } from '../kernel/steps/validate.ts';
import { Failure } from '../kernel/failure.ts';

/** Tells the client's address from a request, trusting only proxies that the operator named. */
export type AddressOf = (request: IncomingMessage) => string;

/** What a caller may name a request. */
export const printable = /^[\x21-\x7e]{1,200}$/;

/** The caller of a request: ids go in and out, the credential is the bearer token. */
export function callerOf(request: IncomingMessage, protocol: Protocol, addressOf: AddressOf): Caller {
  return {
    protocol,
    requestId: requestIdOf(request),
    traceId: traceIdOf(request.headers['traceparent']),
    address: addressOf(request),
    credential: bearerOf(request.headers.authorization),
    userAgent: request.headers['user-agent'],
  };
}

/** A request id that is safe to log and to echo; any other is replaced. */
export function requestIdOf(request: IncomingMessage): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && printable.test(given) ? given : randomUUID();
}

/** The trace that a `traceparent` names, or a new one: https://www.w3.org/TR/trace-context/#traceparent-header. */
export function traceIdOf(given: string | string[] | undefined): string {
  const match =
    typeof given === 'string' ? /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-|$)/.exec(given) : null;
  return match?.[1] && !/^0+$/.test(match[1]) ? match[1] : randomHex();
}

/** 32 hexadecimal digits. Node keeps randomness for UUIDs ready; asking the system for bytes costs ten microseconds. */
const randomHex = (): string => randomUUID().replaceAll('-', '');

/** The `traceparent` to answer with: the caller's trace, a span of ours. */
export const traceparentOf = (caller: Caller): string => `00-${caller.traceId}-${randomHex().slice(16)}-01`;

/** The token of an `Authorization` header; null without one. Any other scheme is refused as `UNAUTHENTICATED`. */
export function bearerOf(header: string | undefined): string | null {
  if (header === undefined) return null;
  const match = /^Bearer +([A-Za-z0-9._~+/=-]{1,8192})$/i.exec(header);
  if (!match?.[1]) throw new Failure('UNAUTHENTICATED', null);
  return match[1];
}

/** The keys of a batch: one per call in call order, an empty one for none. */
export function idempotencyKeysOf(header: string | string[] | undefined, calls: number): (string | null)[] {
  const text = Array.isArray(header) ? header.join(',') : header;
  if (text === undefined) return Array.from({ length: calls }, () => null);
  const keys = text.split(',').map((key) => key.trim());
  if (keys.length !== calls)
    throw invalidInput([
      {
        field: 'Idempotency-Key',
        message: `must hold one key for each of the ${calls} calls, separated by commas`,
        code: 'invalid_format',
        nearest: null,
      },
    ]);
  return keys.map((key) => key || null);
}
