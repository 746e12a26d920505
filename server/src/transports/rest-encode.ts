import { createHash } from 'node:crypto';
import type { OutgoingHttpHeaders } from 'node:http';
import { commonHeaders, reply, type Exchange } from './reply.ts';
import type { Operation } from './rest-route.ts';

/** Answers with the value of a query or mutation. */
export function replyValue(exchange: Exchange, operation: Operation, value: unknown): void {
  const { def, kind } = operation.procedure.contract;
  const status = def.status ?? 200;
  const headers = { ...commonHeaders(exchange, null), ...resourceHeaders(exchange, operation, value) };
  if (status === 204) {
    reply(exchange, { status, headers });
    return;
  }
  const body = JSON.stringify(value);
  if (kind === 'query') {
    headers['etag'] ??= `W/"${createHash('sha1').update(body).digest('base64url')}"`;
    if (matches(exchange.request.headers['if-none-match'], headers['etag'])) {
      reply(exchange, { status: 304, headers });
      return;
    }
  }
  reply(exchange, { status, headers: { ...headers, 'content-type': 'application/json' }, body });
}

type Fields = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function resourceHeaders(exchange: Exchange, operation: Operation, value: unknown): OutgoingHttpHeaders {
  if (!isObject(value)) return {};
  const { id, version, totalCount } = value;
  const created = operation.procedure.contract.def.status === 201 && typeof id === 'string';
  const link = operation.page ? linkOf(exchange, value) : '';
  return {
    ...(created && { location: `${exchange.path}/${encodeURIComponent(id)}` }),
    ...(typeof version === 'number' && { etag: `"${version}"` }),
    ...(link && { link }),
    ...(operation.page && typeof totalCount === 'number' && { 'x-total-count': String(totalCount) }),
  };
}

/** RFC 8288: the same address with the cursor of the page before and after. */
function linkOf({ request, path }: Exchange, page: Fields): string {
  const query = new URLSearchParams((request.url ?? '').split('?')[1]);
  const to = (cursor: unknown, rel: string): string[] => {
    if (typeof cursor !== 'string') return [];
    query.set('cursor', cursor);
    return [`<${path}?${query.toString()}>; rel="${rel}"`];
  };
  return [...to(page['nextCursor'], 'next'), ...to(page['previousCursor'], 'prev')].join(', ');
}

/** RFC 9110, section 13.1.2: weak comparison with any of the tags given. */
function matches(given: string | undefined, etag: string): boolean {
  if (given === undefined) return false;
  const opaque = (tag: string) => tag.trim().replace(/^W\//, '');
  return given.split(',').some((tag) => tag.trim() === '*' || opaque(tag) === opaque(etag));
}
