import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Caller } from '../kernel/context.ts';
import type { Kernel } from '../kernel/execute.ts';
import { Failure, toFailure } from '../kernel/failure.ts';
import { createDepartures, type Departures } from './departures.ts';
import { callerOf, idempotencyKeysOf, type AddressOf } from './caller.ts';
import { replyContent, type TakeTransfer } from './content.ts';
import { credentialWatch, type CredentialWatch } from './credential-watch.ts';
import { downloadHeaders, replyDownload } from './download.ts';
import { waitMsOf } from './event-page.ts';
import { replyEventPage, replyEvents, type EventStreamOptions } from './event-stream.ts';
import { issue } from './input-issue.ts';
import { chooseType } from './media-choice.ts';
import { parseQuery } from './query-string.ts';
import { commonHeaders, reply, replyFailure, requestIdFor, type Exchange } from './reply.ts';
import { decode, type RestLimits } from './rest-decode.ts';
import { replyValue } from './rest-encode.ts';
import { pathFinder, type FindPath, type Operation, type PathItem } from './rest-route.ts';

export interface RestOptions {
  readonly kernel: Kernel;
  readonly addressOf: AddressOf;
  readonly takeTransfer?: TakeTransfer;
  readonly limits?: Partial<RestLimits & StreamLimits>;
  /** Tells open event streams to end when the server winds down. */
  readonly departures?: Departures;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}
interface StreamLimits {
  /** Milliseconds between the comments that keep an event stream open. */
  readonly pingMs: number;
  /** Milliseconds for which the reader of an event stream may take nothing. */
  readonly stallMs: number;
  /** The same for downloads, whose readers may be writing to a slow disk. */
  readonly downloadStallMs: number;
}
const defaults: RestLimits & StreamLimits = {
  bodyBytes: 256 * 1024,
  uploadBytes: 2 * 1024 ** 3,
  urlLength: 16 * 1024,
  jsonDepth: 32,
  pingMs: 15_000,
  stallMs: 10_000,
  downloadStallMs: 30_000,
};

export type RestHandler = (request: IncomingMessage, response: ServerResponse, pathBelowApiV1: string) => void;

/** Serves every procedure by the method and path of its contract. */
export function restHandler(options: RestOptions): RestHandler {
  const service: Service = {
    ...options,
    departures: options.departures ?? createDepartures(null),
    find: pathFinder(options.kernel.procedures),
    limits: { ...defaults, ...options.limits },
    watch: credentialWatch(options.kernel, { now: options.now ?? Date.now }),
  };
  return (request, response, path) => {
    const exchange: Exchange = { request, response, path: pathOf(request.url), notes: {}, caller: null };
    serve(service, exchange, pathOf(path)).catch((cause: unknown) => replyFailure(exchange, toFailure(cause)));
  };
}

interface Service extends RestOptions {
  readonly find: FindPath;
  readonly departures: Departures;
  readonly limits: RestLimits & StreamLimits;
  readonly watch: CredentialWatch;
}

async function serve(service: Service, exchange: Exchange, path: string): Promise<void> {
  const { request } = exchange;
  const { kernel, limits } = service;
  const found = findPath(service, exchange, path);
  if (request.method === 'OPTIONS') {
    reply(exchange, {
      status: 204,
      headers: { 'x-request-id': requestIdFor(exchange), allow: methodsOf(found.item).join(', ') },
    });
    return;
  }
  const operation = operationOf(found.item, request.method);
  const { kind, def } = operation.procedure.contract;
  const caller = callerOf(request, kind === 'subscription' && !def.download ? 'sse' : 'rest', service.addressOf);
  exchange.caller = caller;

  const controller = new AbortController();
  exchange.response.once('close', () => {
    if (!exchange.response.writableFinished) controller.abort();
  });
  const call = await read(service, exchange, { operation, params: found.params });
  const isPoll = kind === 'subscription' && call.mediaType === 'application/json';
  const value = await kernel.execute({
    procedure: operation.procedure,
    caller,
    signal: controller.signal,
    notes: exchange.notes,
    input: call.input,
    upload: call.upload,
    idempotencyKey: call.idempotencyKey,
    ...(isPoll && { rate: 'read' }),
  });
  const { content } = exchange.notes;
  if (content && call.mediaType !== 'application/json') {
    await replyContent(exchange, content, service.takeTransfer);
    return;
  }
  if (kind !== 'subscription') {
    replyValue(exchange, operation, value);
    return;
  }
  const items = value as AsyncIterable<unknown>;
  const { mediaType } = call;
  if (request.method === 'HEAD') await replyHeaders(exchange, operation, { items, mediaType });
  else if (def.download) {
    // What a revoked caller has got of a document is cut off, so that no part passes for the whole.
    const unwatch = (await refusalsOf(service, caller))(() => exchange.response.destroy());
    const document = { items, mediaType, stallMs: limits.downloadStallMs };
    await replyDownload(exchange, operation, document).finally(unwatch);
  } else {
    const { departures } = service;
    const onRefusal = await refusalsOf(service, caller);
    const stream = { tracked: def.tracked === true, onRefusal, abort: () => controller.abort(), departures };
    const { after, waitMs } = call;
    if (isPoll) await replyEventPage(exchange, items, { ...stream, after, waitMs });
    else await replyEvents(exchange, items, { ...stream, timing: limits });
  }
}

function findPath({ find, limits }: Service, { request }: Exchange, path: string): NonNullable<ReturnType<FindPath>> {
  if ((request.url ?? '').length > limits.urlLength) throw new Failure('URI_TOO_LONG', null);
  try {
    decodeURIComponent(path);
  } catch {
    throw issue('', 'The path must be percent-encoded UTF-8', 'invalid_encoding');
  }
  const found = path.startsWith('/') ? find(path) : null;
  if (!found) throw new Failure('NOT_FOUND', null);
  return found;
}

function operationOf(item: PathItem, method = 'GET'): Operation {
  const operation = item.get((method === 'HEAD' ? 'GET' : method) as Operation['method']);
  if (!operation) throw new Failure('METHOD_NOT_ALLOWED', { allowed: methodsOf(item) });
  return operation;
}

const methodsOf = (item: PathItem): string[] => [
  ...[...item.keys()].flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])),
  'OPTIONS',
];

interface Read {
  readonly input: unknown;
  readonly upload: Awaited<ReturnType<typeof decode>>['upload'];
  readonly idempotencyKey: string | null;
  readonly mediaType: string;
  /** Of a poll for events: from which id it goes on, and how long it waits. */
  readonly after: string | null;
  readonly waitMs: number;
}

/** What the request says. A fault in it takes the place of the input: the kernel tells it to those who may call, and only to them. */
async function read(
  { limits }: Service,
  { request }: Exchange,
  target: { operation: Operation; params: Readonly<Record<string, string | undefined>> },
): Promise<Read> {
  try {
    const query = parseQuery(queryOf(request.url));
    const incoming = { request, ...target, query, limits };
    const mediaType = chooseType(incoming);
    const mutates = target.operation.procedure.contract.kind === 'mutation';
    const [idempotencyKey = null] = mutates ? idempotencyKeysOf(request.headers['idempotency-key'], 1) : [];
    const isPoll = target.operation.procedure.contract.kind === 'subscription' && mediaType === 'application/json';
    const waitMs = isPoll ? waitMsOf(request.headers['prefer']) : 0;
    const { input, upload } = await decode(incoming);
    const { lastEventId } = input;
    const after = typeof lastEventId === 'string' && lastEventId !== '' ? lastEventId : null;
    return { input, upload, idempotencyKey, mediaType, after, waitMs };
  } catch (cause) {
    return { input: toFailure(cause), upload: null, idempotencyKey: null, mediaType: '', after: null, waitMs: 0 };
  }
}

/** HEAD of a stream: what GET would say, without its items. */
async function replyHeaders(
  exchange: Exchange,
  operation: Operation,
  answer: { items: AsyncIterable<unknown>; mediaType: string },
) {
  const headers = operation.procedure.contract.def.download
    ? downloadHeaders(exchange, operation, answer.mediaType)
    : { ...commonHeaders(exchange, null), 'content-type': answer.mediaType };
  await answer.items[Symbol.asyncIterator]().return?.();
  exchange.response.writeHead(200, headers).end();
}

async function refusalsOf({ watch }: Service, caller: Caller): Promise<EventStreamOptions['onRefusal']> {
  const principal = await caller.principal;
  return principal ? (listener) => watch.watch(caller, principal, listener) : () => () => undefined;
}

const pathOf = (url = '/'): string => url.split(/[?#]/, 1)[0] ?? '/';
const queryOf = (url = ''): string => url.split('#', 1)[0]?.split('?').slice(1).join('?') ?? '';
