import type { AnyTRPCRouter } from '@trpc/server';
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Caller, Notes } from '../kernel/context.ts';
import type { Kernel } from '../kernel/execute.ts';
import { Failure, toFailure } from '../kernel/failure.ts';
import { createDepartures, type Departures } from './departures.ts';
import { callerOf, type AddressOf } from './caller.ts';
import { errorShape } from './error-codes.ts';
import { commonHeaders, reply, requestIdFor, type Exchange } from './reply.ts';
import { worstOf } from './response-headers.ts';
import { defaultTrpcLimits, type TrpcLimits } from './trpc-limits.ts';
import { isPoll, trpcPolls, type Poll } from './trpc-poll.ts';
import { readRequest, type TrpcCall, type TrpcRequest } from './trpc-request.ts';
import { trpcStreams, type ServeStream } from './trpc-stream.ts';
import { encodeAnything, encoderOf } from './wire.ts';

export interface TrpcHttpOptions {
  readonly kernel: Kernel;
  /** Serves what is streamed, by tRPC's own adapter. */
  readonly router: AnyTRPCRouter;
  readonly addressOf: AddressOf;
  readonly limits?: Partial<TrpcLimits>;
  /** Tells open streams to end when the server winds down: their readers come back to another replica. */
  readonly departures?: Departures;
}
/** `path` is what follows `/trpc/`, without the query. */
export type TrpcHttpHandler = (request: IncomingMessage, response: ServerResponse, path: string) => void;

interface Service extends TrpcHttpOptions {
  readonly limits: TrpcLimits;
  readonly stream: ServeStream;
  readonly poll: Poll;
}

/**
 * tRPC over HTTP. Single and batched queries and mutations are answered here, in tRPC's format straight from the
 * kernel; streamed batches and subscriptions by tRPC's adapter. Queries may be sent by POST, mutations only so.
 */
export function trpcHttp(options: TrpcHttpOptions): TrpcHttpHandler {
  const limits = { ...defaultTrpcLimits, ...options.limits };
  const departures = options.departures ?? createDepartures(null);
  const streams = { ...options, limits, departures };
  const service: Service = { ...options, limits, stream: trpcStreams(streams), poll: trpcPolls(streams) };
  return (request, response, path) => {
    const exchange: Exchange = { request, response, path, notes: {}, caller: null };
    serve(service, exchange).catch((cause: unknown) => refuse(exchange, toFailure(cause)));
  };
}

async function serve(service: Service, exchange: Exchange): Promise<void> {
  const { request, response, path } = exchange;
  const caller = callerOf(request, 'trpc-http', service.addressOf);
  exchange.caller = caller;
  const read = await readRequest(request, path, service.limits);
  const streamed = isStreamed(service.kernel, request, read);
  const poll = streamed && !read.batch && isPoll(service.kernel, request, read.calls[0]) ? service.poll : null;
  if (streamed && !poll) return service.stream(exchange, read);

  const controller = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) controller.abort();
  });
  const run = (call: TrpcCall) => answer(service.kernel, call, { caller, signal: controller.signal, request, poll });
  const [first] = read.calls;
  if (!read.batch && first) {
    const { status, body, notes, failure } = await run(first);
    send({ ...exchange, notes }, { status, body, failure });
    return;
  }
  const answers = await Promise.all(read.calls.map(run));
  const statuses = new Set(answers.map(({ status }) => status));
  const status = statuses.size === 1 ? (answers[0]?.status ?? 200) : 207;
  const body = `[${answers.map((each) => each.body).join(',')}]`;
  const notes = worstOf(answers.map((each) => each.notes));
  send({ ...exchange, notes }, { status, body, failure: longestWait(answers) });
}

function isStreamed({ byPath }: Kernel, { headers, method }: IncomingMessage, { batch, calls }: TrpcRequest): boolean {
  if (!batch) return method === 'GET' && byPath.get(calls[0]?.path ?? '')?.contract.kind === 'subscription';
  const accepted = headers['trpc-accept'] ?? headers.accept ?? '';
  return String(accepted)
    .split(',')
    .some((type) => type.trim() === 'application/jsonl');
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly notes: Notes;
  readonly failure: Failure | null;
}
interface Surroundings {
  readonly caller: Caller;
  readonly signal: AbortSignal;
  readonly request: IncomingMessage;
  /** What answers a subscription; null where none is asked for as a page. */
  readonly poll: Poll | null;
}

async function answer(
  kernel: Kernel,
  call: TrpcCall,
  { caller, signal, request, poll }: Surroundings,
): Promise<Answer> {
  const notes: Notes = {};
  const { path, input, idempotencyKey } = call;
  try {
    const procedure = kernel.byPath.get(path);
    if (!procedure) throw new Failure('NOT_FOUND', null, { detail: `There is no procedure ${path.slice(0, 100)}` });
    const { contract } = procedure;
    if (contract.kind === 'mutation' && request.method !== 'POST')
      throw new Failure('METHOD_NOT_ALLOWED', { allowed: ['POST'] });
    const invocation = { procedure, caller, input, signal, idempotencyKey, notes };
    if (poll)
      return { status: 200, body: `{"result":{"data":${await poll(invocation, request)}}}`, notes, failure: null };
    // Alone and by GET it would have been streamed.
    if (contract.kind === 'subscription') throw new Failure('METHOD_NOT_ALLOWED', { allowed: ['GET'] });
    const value = await kernel.execute(invocation);
    return { status: 200, body: `{"result":{"data":${encoderOf(contract)(value)}}}`, notes, failure: null };
  } catch (cause) {
    const failure = toFailure(cause);
    const shape = errorShape(failure, { path, requestId: caller.requestId });
    return { status: failure.status, body: errorBody(shape), notes, failure };
  }
}

const errorBody = (shape: ReturnType<typeof errorShape>): string => `{"error":${encodeAnything(shape)}}`;

const longestWait = (answers: readonly Answer[]): Failure | null =>
  answers.reduce<Failure | null>(
    (worst, { failure }) => ((failure?.retryAfter ?? 0) > (worst?.retryAfter ?? 0) ? failure : worst),
    null,
  );

interface Outcome {
  readonly status: number;
  readonly body: string;
  readonly failure: Failure | null;
}

function send(exchange: Exchange, { status, body, failure }: Outcome): void {
  const headers: OutgoingHttpHeaders = {
    'content-type': 'application/json',
    vary: varyOf(exchange.response),
    ...commonHeaders(exchange, failure),
    ...(status === 401 && { 'www-authenticate': 'Bearer' }),
  };
  if (failure?.code === 'METHOD_NOT_ALLOWED')
    headers['allow'] = (failure.data as { allowed: string[] }).allowed.join(', ');
  reply(exchange, { status, headers, body });
}

/** CORS has its say first, and must keep it. */
const varyOf = (response: ServerResponse): string =>
  [response.getHeader('vary'), 'trpc-accept, accept'].flat().filter(Boolean).join(', ');

/** Answers a request that could not even be taken apart: one error that all of its calls share. */
function refuse(exchange: Exchange, failure: Failure): void {
  const requestId = requestIdFor(exchange);
  if (!exchange.caller) {
    exchange.response.setHeader('x-request-id', requestId);
    exchange.response.setHeader('cache-control', 'private, no-store');
  }
  send(exchange, { status: failure.status, body: errorBody(errorShape(failure, { requestId })), failure });
}
