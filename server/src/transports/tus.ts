import type { ResumableUpload } from '@olympus/contracts';
import { HEADERS, Metadata, Server, TUS_RESUMABLE, type DataStore } from '@tus/server';
import type { Kernel } from '../kernel/execute.ts';
import { Failure, toFailure } from '../kernel/failure.ts';
import { callerOf, type AddressOf } from './caller.ts';
import { issue } from './input-issue.ts';
import { problemOf } from './problem.ts';
import { commonHeaders, reply, replyFailure, requestIdFor, type Exchange } from './reply.ts';
import type { RestHandler } from './rest.ts';

export interface TusOptions {
  readonly kernel: Kernel;
  readonly addressOf: AddressOf;
  readonly store: DataStore;
}

/** Media type of the bytes that are sent. */
export const tusUploadType = 'application/offset+octet-stream';
const route = '/uploads';
export const isTus = (pathBelowApiV1: string): boolean =>
  pathBelowApiV1 === route || pathBelowApiV1.startsWith(`${route}/`);

/**
 * Resumable uploads by the tus protocol 1.0.0 (https://tus.io/protocols/resumable-upload). Whether a caller may, and
 * what an upload is for, is for the procedures of `files.uploads` to say; the library only moves the bytes.
 */
export function tusHandler(options: TusOptions): RestHandler {
  const { store } = options;
  const exchanges = new WeakMap<object, Exchange>();
  const library = new Server({
    path: `/api/v1${route}`,
    datastore: store,
    relativeLocation: true,
    // The edge speaks of origins.
    allowedOrigins: () => false,
    async onUploadFinish(request, { id }) {
      const exchange = request.runtime?.node && exchanges.get(request.runtime.node.req);
      return exchange ? attach(options, exchange, id) : {};
    },
  });
  return (request, response, path) => {
    const exchange: Exchange = { request, response, path: `/api/v1${path}`, notes: {}, caller: null };
    exchanges.set(request, exchange);
    serve(options, exchange, { path, library }).catch((cause: unknown) => {
      response.setHeader('Tus-Resumable', TUS_RESUMABLE);
      replyFailure(exchange, toFailure(cause));
    });
  };
}

async function serve(
  options: TusOptions,
  exchange: Exchange,
  { path, library }: { path: string; library: Server },
): Promise<void> {
  const { request, response } = exchange;
  const pass = () => library.handle(request, response);
  // What it can do is told to everybody, and another version of the protocol is refused by the library.
  if (request.method === 'OPTIONS' || request.headers['tus-resumable'] !== TUS_RESUMABLE) return pass();
  exchange.caller = callerOf(request, 'rest', options.addressOf);
  const id = path.slice(route.length + 1);
  if (request.method === 'POST') return id === '' ? create(options, exchange) : refuse(['PATCH', 'HEAD', 'DELETE']);
  if (id === '') return refuse(['POST', 'OPTIONS']);
  if (request.method === 'DELETE') await call(options, exchange, { path: 'files.uploads.cancel', input: { id } });
  else {
    const upload = await call<ResumableUpload>(options, exchange, { path: 'files.uploads.get', input: { id } });
    // The process that took its last bytes may have died before it made use of them.
    if (request.method === 'HEAD' && upload.offset === upload.length && upload.productId !== null) {
      await attachTo(options, exchange, upload);
      reply(exchange, { status: 200, headers: stateOf(exchange, upload) });
      return;
    }
  }
  for (const [name, value] of Object.entries(commonHeaders(exchange, null)))
    if (value !== undefined) response.setHeader(name, value);
  return pass();
}

const refuse = (allowed: string[]): never => {
  throw new Failure('METHOD_NOT_ALLOWED', { allowed });
};

async function create(options: TusOptions, exchange: Exchange): Promise<void> {
  const {
    'upload-length': length,
    'upload-metadata': described,
    'upload-defer-length': deferred,
  } = exchange.request.headers;
  if (deferred !== undefined || typeof length !== 'string' || !/^\d{1,15}$/.test(length))
    throw issue('Upload-Length', 'must tell the bytes in all', 'invalid_format');
  const { filetype, productId } = metadataOf(described);
  const input = { length: Number(length), ...(filetype && { mediaType: filetype }), ...(productId && { productId }) };
  const upload = await call<ResumableUpload>(options, exchange, { path: 'files.uploads.create', input });
  const { 'Cache-Control': _, ...state } = stateOf(exchange, upload);
  reply(exchange, {
    status: 201,
    headers: { ...state, Location: upload.url, 'Upload-Expires': upload.expiresAt.toUTCString() },
  });
}

const stateOf = (exchange: Exchange, { offset, length }: ResumableUpload) => ({
  ...commonHeaders(exchange, null),
  'Tus-Resumable': TUS_RESUMABLE,
  'Cache-Control': 'no-store',
  'Upload-Offset': String(offset),
  'Upload-Length': String(length),
  'Access-Control-Expose-Headers': HEADERS.join(', '),
});

function metadataOf(header: string | string[] | undefined): Record<string, string | null> {
  if (!header) return {};
  try {
    return Metadata.parse(Array.isArray(header) ? header.join(',') : header);
  } catch {
    throw issue('Upload-Metadata', 'must be pairs of a name and a value in base64', 'invalid_format');
  }
}

/** Makes use of an upload that has just become whole; its refusal is the answer to the last bytes. */
async function attach(options: TusOptions, exchange: Exchange, id: string) {
  try {
    const upload = await call<ResumableUpload>(options, exchange, { path: 'files.uploads.get', input: { id } });
    await attachTo(options, exchange, upload);
    return {};
  } catch (cause) {
    const failure = toFailure(cause);
    const problem = problemOf(failure, requestIdFor(exchange), exchange.path);
    return {
      status_code: failure.status,
      headers: { 'Content-Type': 'application/problem+json' },
      body: JSON.stringify(problem),
    };
  }
}

async function attachTo(options: TusOptions, exchange: Exchange, { id, productId }: ResumableUpload): Promise<void> {
  if (productId === null) return;
  await call(options, exchange, { path: 'products.setImage', input: { id: productId, uploadId: id } });
}

async function call<T>(
  { kernel }: TusOptions,
  { caller, notes }: Exchange,
  { path, input }: { path: string; input: unknown },
): Promise<T> {
  const procedure = kernel.byPath.get(path);
  if (!procedure || !caller) throw new Error(`no ${path} to call`);
  const { signal } = new AbortController();
  return (await kernel.execute({ procedure, caller, input, signal, notes })) as T;
}
