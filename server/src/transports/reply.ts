import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Caller, Notes } from '../kernel/context.ts';
import type { Failure } from '../kernel/failure.ts';
import { requestIdOf } from './caller.ts';
import { problemOf } from './problem.ts';
import { hasBody } from './request-body.ts';
import { callerHeaders, policyHeaders } from './response-headers.ts';

/** A request and its answer. `path` is that of the whole address, without its query. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: string;
  readonly notes: Notes;
  /** Null until the credential's form is known to be right. */
  caller: Caller | null;
}

export const requestIdFor = ({ caller, request }: Exchange): string => caller?.requestId ?? requestIdOf(request);

/** What every answer carries. */
export function commonHeaders(exchange: Exchange, failure: Failure | null): OutgoingHttpHeaders {
  return {
    ...(exchange.caller && callerHeaders(exchange.caller)),
    ...policyHeaders(exchange.notes, failure),
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body?: string;
}

/** Answers with a body, or with its headers alone where HEAD asks for no more. */
export function reply(exchange: Exchange, { status, headers, body = '' }: Answer): void {
  const { request, response } = exchange;
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const silent = status === 204 || status === 304;
  const length = silent ? {} : { 'content-length': Buffer.byteLength(body) };
  const overtakes = hasBody(request) && !request.complete;
  response.writeHead(status, { ...headers, ...length, ...(overtakes && { connection: 'close' }) });
  const content = request.method === 'HEAD' || silent ? '' : body;
  if (!overtakes) response.end(content);
  else linger(exchange, content);
}

const lingerMs = 2_000;

/** Closing while the body still comes would make the sender's system drop an answer it has not read: take some of it first. */
function linger({ request, response }: Exchange, content: string): void {
  if (content) response.write(content);
  else response.flushHeaders();
  const end = () => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(end, lingerMs);
  request.once('end', end).once('close', end).resume();
}

/** Answers with a problem; `allow` names the methods of the path. */
export function replyFailure(exchange: Exchange, failure: Failure): void {
  const requestId = requestIdFor(exchange);
  const headers = {
    'x-request-id': requestId,
    'cache-control': 'private, no-store',
    'x-content-type-options': 'nosniff',
    ...commonHeaders(exchange, failure),
    'content-type': 'application/problem+json',
    ...(failure.status === 401 && { 'www-authenticate': 'Bearer' }),
    ...(failure.code === 'METHOD_NOT_ALLOWED' && {
      allow: (failure.data as { allowed: string[] }).allowed.join(', '),
    }),
  };
  reply(exchange, {
    status: failure.status,
    headers,
    body: JSON.stringify(problemOf(failure, requestId, exchange.path)),
  });
}
