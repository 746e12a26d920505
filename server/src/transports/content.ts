import fresh from 'fresh';
import type { IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import parseRange from 'range-parser';
import type { Content } from '../kernel/context.ts';
import { Failure } from '../kernel/failure.ts';
import { commonHeaders, reply, replyFailure, type Exchange } from './reply.ts';

/** Counts a transfer to whoever asked, until what it returns is called; null when they have as many as they may at once. */
export type TakeTransfer = (request: IncomingMessage) => (() => void) | null;

/**
 * Answers with stored bytes: all, one range (RFC 9110, section 14), or that they are known already. Whatever they are, a
 * browser that opens them by themselves saves them and runs nothing.
 */
export async function replyContent(
  exchange: Exchange,
  content: Content,
  takeTransfer: TakeTransfer = () => () => undefined,
): Promise<void> {
  const { request, response } = exchange;
  const etag = `"${content.etag}"`;
  const headers = {
    ...commonHeaders(exchange, null),
    'accept-ranges': 'bytes',
    'cache-control': 'private, max-age=300',
    'content-disposition': `attachment; filename="${content.name}"`,
    'content-security-policy': "sandbox; default-src 'none'",
    // Pages of shops show images from here.
    'cross-origin-resource-policy': 'cross-origin',
    etag,
    'last-modified': content.lastModified.toUTCString(),
    vary: 'Accept, Authorization',
    'x-content-type-options': 'nosniff',
  };
  if (fresh(request.headers, { etag, 'last-modified': headers['last-modified'] })) {
    reply(exchange, { status: 304, headers });
    return;
  }
  const part = rangeOf(exchange, content);
  if (part === 'unsatisfiable') {
    response.setHeader('content-range', `bytes */${content.bytes}`);
    replyFailure(exchange, new Failure('RANGE_NOT_SATISFIABLE', { bytes: content.bytes }));
    return;
  }
  const { start, end } = part ?? { start: 0, end: content.bytes - 1 };
  const told = {
    ...headers,
    'content-type': content.mediaType,
    'content-length': end - start + 1,
    ...(part && { 'content-range': `bytes ${start}-${end}/${content.bytes}` }),
  };
  const status = part ? 206 : 200;
  if (request.method === 'HEAD') {
    response.writeHead(status, told).end();
    return;
  }
  const giveBack = takeTransfer(request);
  if (!giveBack)
    throw new Failure('RATE_LIMITED', { retryAfter: 1 }, { detail: 'Too many files are being read at once' });
  try {
    const bytes = await content.read({ start, end });
    if (response.destroyed) {
      bytes.destroy();
      return;
    }
    response.writeHead(status, told);
    // A reader who leaves, or bytes that break off: the connection is broken, so that no part passes for the whole.
    await pipeline(bytes, response).catch(() => response.destroy());
  } finally {
    giveBack();
  }
}

/** One range that is asked for; null for all, as for several at once, which nobody needs of an image. */
function rangeOf(
  { request }: Exchange,
  { bytes, etag, lastModified }: Content,
): { start: number; end: number } | 'unsatisfiable' | null {
  const { range } = request.headers;
  const ifRange = request.headers['if-range'];
  if (range === undefined || (request.method !== 'GET' && request.method !== 'HEAD')) return null;
  // Strong comparison, section 13.1.5: a date counts as one since files never change.
  if (typeof ifRange === 'string' && ifRange !== `"${etag}"` && ifRange !== lastModified.toUTCString()) return null;
  const parsed = parseRange(bytes, range);
  if (parsed === -1) return 'unsatisfiable';
  if (parsed === -2 || parsed.type !== 'bytes' || parsed.length !== 1) return null;
  return parsed[0] ?? null;
}
