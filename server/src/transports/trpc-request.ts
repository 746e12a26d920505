import type { IncomingMessage } from 'node:http';
import { Failure, toFailure } from '../kernel/failure.ts';
import { idempotencyKeysOf } from './caller.ts';
import { issue } from './input-issue.ts';
import { parseQuery } from './query-string.ts';
import { mediaTypeOf, readText } from './request-body.ts';
import type { TrpcLimits } from './trpc-limits.ts';
import { decodeInput, parseText } from './wire-input.ts';

/** What one request of tRPC's HTTP protocol asks for. */
export interface TrpcRequest {
  readonly batch: boolean;
  readonly calls: readonly TrpcCall[];
  readonly query: ReadonlyMap<string, readonly string[]>;
  /** The body as it came; null for GET. */
  readonly body: string | null;
}
export interface TrpcCall {
  readonly path: string;
  /** A failure where the input could not be read: the kernel tells it to those who may call, and only to them. */
  readonly input: unknown;
  readonly idempotencyKey: string | null;
}

/** Reads a request in full; `path` is what follows `/trpc/`. Throws a failure that concerns all of its calls. */
export async function readRequest(request: IncomingMessage, path: string, limits: TrpcLimits): Promise<TrpcRequest> {
  const { url = '', method, headers } = request;
  if (url.length > limits.urlBytes) throw new Failure('URI_TOO_LONG', null);
  if (method !== 'GET' && method !== 'POST') throw new Failure('METHOD_NOT_ALLOWED', { allowed: ['GET', 'POST'] });

  const query = parseQuery(queryOf(url));
  const batch = query.get('batch')?.[0] === '1';
  const paths = pathsOf(decodePath(path), batch, limits.batchCalls);
  const keys = idempotencyKeysOf(headers['idempotency-key'], paths.length);
  const body = method === 'POST' ? await bodyOf(request, limits) : null;
  const text = body ?? query.get('input')?.[0] ?? '';
  const inputs = text === '' ? undefined : parseText(text, body === null ? 'input' : 'body');
  if (batch && inputs !== undefined && (typeof inputs !== 'object' || inputs === null || Array.isArray(inputs)))
    throw issue('input', 'must be an object of inputs by the index of their call', 'invalid_type');

  const calls = paths.map((path, index) => {
    const payload: unknown = batch ? (inputs as Record<number, unknown> | undefined)?.[index] : inputs;
    return { path, input: readable(payload), idempotencyKey: keys[index] ?? null };
  });
  return { batch, calls, query, body };
}

function queryOf(url: string): string {
  const start = url.indexOf('?');
  if (start === -1) return '';
  const end = url.indexOf('#', start);
  return url.slice(start + 1, end === -1 ? undefined : end);
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw issue('path', 'must be percent-encoded UTF-8', 'invalid_encoding');
  }
}

// Counted before it is parted: an address can hold thousands of commas.
function pathsOf(path: string, batch: boolean, limit: number): string[] {
  if (!batch) return [path];
  let count = 1;
  for (let at = path.indexOf(','); at !== -1; at = path.indexOf(',', at + 1)) count++;
  if (count > limit) throw issue('path', `must name at most ${limit} calls, not ${count}`, 'too_big');
  return path.split(',');
}

async function bodyOf(request: IncomingMessage, { bodyBytes }: TrpcLimits): Promise<string> {
  // A page of another site can send other types without asking first.
  mediaTypeOf(request, ['application/json']);
  return readText(request, bodyBytes);
}

function readable(payload: unknown): unknown {
  try {
    return decodeInput(payload);
  } catch (cause) {
    return toFailure(cause);
  }
}
