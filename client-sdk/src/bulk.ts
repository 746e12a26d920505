import type { CallDefaults } from './calls.ts';
import type { AuditEntry, OrderLine } from './contracts.ts';
import { renewing, request, type Endpoint, type Sent } from './endpoint.ts';
import { errorFrom } from './errors-from.ts';
import { linesOf } from './lines.ts';
import { tryWithin } from './retry.ts';

/** Lines to import: text or bytes, at once or as they come; or objects, each of which is a line of NDJSON. */
export type ImportBody =
  | string
  | Blob
  | Uint8Array
  | ReadableStream<Uint8Array>
  | AsyncIterable<string | Uint8Array | object>;

export interface StreamOptions {
  /** Ends the transfer. */
  signal?: AbortSignal;
}

/** What streamed imports add to their `mutate`. */
export interface Upload<Input, Report> {
  /**
   * Streams a file of any size. Never tried again by itself; imported twice, the figures are the same.
   * A browser streams a `Blob` from the disk, and anything else only to an `https:` address.
   */
  stream(body: ImportBody, input?: Omit<Input, 'content'>, options?: StreamOptions): Promise<Report>;
}
/** What streamed exports add to their `subscribe`. */
export interface Download<Input, Line> {
  /** Reads lines as they arrive, one at a time; leaving the loop ends the transfer. */
  stream(filters?: Input, options?: StreamOptions): AsyncGenerator<Line, void, undefined>;
}

interface Transfer extends StreamOptions {
  /** Path of the procedure, which is also that of its route. */
  readonly path: string;
  readonly input: object | undefined;
}
/** What the caller's own lines threw: no failure of the call. */
interface Fault {
  cause?: unknown;
}
type Sendable = string | Blob | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>;

const ndjson = 'application/x-ndjson';
/** The fields of an exported line that are instants. */
const instants: readonly (InstantsOf<OrderLine> | InstantsOf<AuditEntry>)[] = ['placedAt', 'createdAt'];
type InstantsOf<T> = { [K in keyof T]: T[K] extends Date ? K : never }[keyof T];

/** Streams `given` into an import and resolves to its report. */
export async function upload(
  endpoint: Endpoint,
  { path, input, signal }: Transfer,
  given: ImportBody,
): Promise<unknown> {
  const fault: Fault = {};
  const { body, objects } = await sendableOf(given, endpoint.url, fault);
  const { format = objects ? 'ndjson' : 'csv' } = (input ?? {}) as { format?: string };
  const sent: Sent = {};
  const streamed = body instanceof ReadableStream;
  const send = async (ending: AbortSignal) => {
    const headers = { 'content-type': format === 'csv' ? 'text/csv' : ndjson };
    const init = { method: 'POST', headers, body, signal: ending, sent, ...(streamed && { duplex: 'half' }) };
    return (await request(endpoint, routeOf(path, input), init)).json() as Promise<unknown>;
  };
  const call = tryWithin({ timeoutMs: 0, retries: 0, signals: [signal] }, (ending) =>
    // A stream is spent by its first try.
    streamed ? send(ending) : renewing(endpoint.keeper, sent, () => send(ending)),
  );
  return call.catch((error: unknown) => {
    throw 'cause' in fault ? fault.cause : error;
  });
}

/** Reads an export line by line. `limits` hold until the first byte. */
export async function* download(
  endpoint: Endpoint,
  { path, input, signal }: Transfer,
  limits: CallDefaults,
): AsyncGenerator<unknown, void, undefined> {
  const leaving = new AbortController();
  const leave = () => leaving.abort();
  const sent: Sent = {};
  const init = { headers: { accept: ndjson }, signal: leaving.signal, sent };
  const open = () => request(endpoint, routeOf(path, input), init);
  try {
    const { body } = await tryWithin({ ...limits, signals: [signal] }, (ending) => {
      ending.addEventListener('abort', leave);
      return renewing(endpoint.keeper, sent, open);
    });
    signal?.addEventListener('abort', leave);
    for await (const line of linesOf(body as ReadableStream<Uint8Array>)) if (line) yield revived(line);
  } catch (error) {
    throw errorFrom(error);
  } finally {
    signal?.removeEventListener('abort', leave);
    leave();
  }
}

/** Instants become dates where they are fields of the line itself; what lies deeper is the log's own text. */
function revived(text: string): unknown {
  const line = JSON.parse(text) as Record<string, unknown>;
  for (const name of instants) if (Object.hasOwn(line, name)) line[name] = new Date(line[name] as string);
  return line;
}

function routeOf(path: string, input: object | undefined): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(input ?? {})) {
    if (value !== undefined) query.set(name, value instanceof Date ? value.toISOString() : String(value));
  }
  return `/api/v1/${path.replaceAll('.', '/')}?${query}`;
}

async function sendableOf(
  given: ImportBody,
  url: string,
  fault: Fault,
): Promise<{ body: Sendable; objects?: boolean }> {
  if (typeof given === 'string' || given instanceof Blob || given instanceof Uint8Array)
    return { body: given as Sendable };
  if (given instanceof ReadableStream) return { body: await streamable(given, url) };
  const lines = given[Symbol.asyncIterator]();
  let next = await lines.next();
  const objects = !next.done && typeof next.value === 'object' && !(next.value instanceof Uint8Array);
  const encoder = new TextEncoder();
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (next.done) return controller.close();
      const { value } = next;
      const text = typeof value === 'string' ? value : `${JSON.stringify(value)}\n`;
      controller.enqueue(value instanceof Uint8Array ? value : encoder.encode(text));
      next = await lines.next().catch((cause: unknown) => {
        fault.cause = cause;
        throw cause;
      });
    },
    cancel: () => void lines.return?.(),
  });
  return { body: await streamable(stream, url), objects };
}

/** Browsers send streams over HTTP/2 only, and some not at all: elsewhere the whole is collected first. */
export async function streamable(
  body: ReadableStream<Uint8Array>,
  url: string,
): Promise<ReadableStream<Uint8Array> | Blob> {
  if (!('location' in globalThis)) return body;
  const probe = { method: 'POST', body: new ReadableStream(), duplex: 'half' };
  const able = url.startsWith('https:') && !new Request(url, probe).headers.has('content-type');
  return able ? body : new Response(body).blob();
}
