import type { TRPCClientError } from '@trpc/client';
import { clientError, isFailure, serverError, type OlympusError } from './failure.ts';
import type { ErrorShape } from './procedures.ts';

interface AnyTypes {
  errorShape: ErrorShape;
  transformer: true;
}

/** Whatever a link, a fetch or a stream threw, as the one error of this package. */
export function errorFrom(cause: unknown): OlympusError {
  if (isFailure(cause)) return cause;
  // By name: a link may come from another copy of tRPC.
  if (cause instanceof Error && cause.name === 'TRPCClientError')
    return errorFromTrpc(cause as TRPCClientError<AnyTypes>);
  if (cause instanceof Error && cause.name === 'AbortError') return clientError('ABORTED', cause.message, { cause });
  const detail = cause instanceof Error ? cause.message : String(cause);
  return clientError('NETWORK', detail, { cause });
}

function errorFromTrpc(cause: TRPCClientError<AnyTypes>): OlympusError {
  const response = cause.meta?.['response'] as Response | undefined;
  const about = response && aboutResponse(response);
  const told = serverError(cause.data?.failure, {
    cause,
    ...(about?.retryAfter != null && { retryAfter: about.retryAfter }),
  });
  if (told) return told;
  if (cause.cause && !cause.shape && !response) return errorFrom(cause.cause);
  return clientError('NETWORK', cause.message, { cause, ...about });
}

/** A refused request: its problem document, or what can be told without one. */
export async function errorFromResponse(response: Response): Promise<OlympusError> {
  const about = aboutResponse(response);
  const { retryAfter } = about;
  const problem: unknown = isJson(response) ? await response.json().catch(() => null) : null;
  const told = serverError(problem, retryAfter === null ? {} : { retryAfter });
  return told ?? clientError('NETWORK', `HTTP ${response.status}, and not from Olympus`, about);
}

export const isJson = (response: Response): boolean =>
  /^application\/(problem\+)?jsonl?\b/.test(response.headers.get('content-type') ?? '');

const aboutResponse = (response: Response) => ({
  status: response.status,
  requestId: response.headers.get('x-request-id'),
  retryAfter: retryAfterOf(response),
});

/** Seconds: the header holds them, or a date. https://www.rfc-editor.org/rfc/rfc9110#field.retry-after */
function retryAfterOf({ headers }: Response): number | null {
  const text = headers.get('retry-after');
  if (!text) return null;
  const seconds = Number(text);
  const until = Number.isNaN(seconds) ? (Date.parse(text) - Date.now()) / 1000 : seconds;
  return Number.isNaN(until) ? null : Math.max(0, until);
}
