import type { Caller, Notes } from '../kernel/context.ts';
import type { Failure } from '../kernel/failure.ts';
import { traceparentOf } from './caller.ts';

/** What every answer to a call carries: the ids that tie it to logs and traces, and that it is nobody else's. */
export const callerHeaders = (caller: Caller): Record<string, string> => ({
  'x-request-id': caller.requestId,
  traceparent: traceparentOf(caller),
  'cache-control': 'private, no-store',
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
});

/**
 * How a call stood with the policies: `RateLimit` and `RateLimit-Policy`
 * (draft-ietf-httpapi-ratelimit-headers-10), `Retry-After` in whole seconds, `Idempotency-Replayed`.
 */
export function policyHeaders(notes: Notes, failure: Failure | null): Record<string, string> {
  const headers: Record<string, string> = {};
  const { rateLimit } = notes;
  if (rateLimit) {
    const { policy, limit, windowSeconds, remaining, resetSeconds } = rateLimit;
    headers['ratelimit-policy'] = `"${policy}";q=${limit};w=${Math.ceil(windowSeconds)}`;
    headers['ratelimit'] = `"${policy}";r=${Math.max(0, remaining)};t=${Math.ceil(resetSeconds)}`;
  }
  const wait = failure?.retryAfter ?? null;
  if (wait !== null) headers['retry-after'] = String(Math.max(1, Math.ceil(wait)));
  if (notes.replayed) headers['idempotency-replayed'] = 'true';
  return headers;
}

/** The notes of several calls as one: the window with the smallest share left; replayed when all were. */
export function worstOf(calls: readonly Notes[]): Notes {
  let worst: Notes['rateLimit'];
  for (const { rateLimit } of calls)
    if (rateLimit && (!worst || shareLeft(rateLimit) < shareLeft(worst))) worst = rateLimit;
  const replayed = calls.length > 0 && calls.every((call) => call.replayed === true);
  return { ...(worst && { rateLimit: worst }), ...(replayed && { replayed }) };
}

const shareLeft = ({ remaining, limit }: NonNullable<Notes['rateLimit']>): number => remaining / Math.max(1, limit);
