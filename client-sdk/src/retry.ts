import { errorFrom } from './errors-from.ts';
import { clientError, type OlympusError } from './failure.ts';

/** How long a call may last, and how often it is tried again. */
export interface CallLimits {
  /** Milliseconds for the whole call, its retries included; 0 for no limit. */
  readonly timeoutMs: number;
  readonly retries: number;
  /** Any of them ends the call. */
  readonly signals: readonly (AbortSignal | null | undefined)[];
}
/** One try of a call; `signal` ends it when the caller leaves or time is up. */
export type Attempt<T> = (signal: AbortSignal) => Promise<T>;

const firstDelayMs = 200;
const longestDelayMs = 30_000;

/** Milliseconds, with full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ */
export const backoff = (failures: number): number =>
  Math.random() * Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(failures, 10));

/** Milliseconds until the next try: never less than the server asked for. */
export const delayAfter = (error: OlympusError, failures: number): number =>
  (error.retryAfter ?? 0) * 1000 + backoff(failures);

/** Whether a failure may be gone in a moment. A procedure's declared errors never are. */
export function isTransient({ failure: { code, status } }: OlympusError): boolean {
  if (code === 'NETWORK') return status === 0 || status === 429 || (status >= 502 && status <= 504);
  return code === 'RATE_LIMITED' || code === 'UNAVAILABLE' || code === 'DEADLINE_EXCEEDED';
}

/** Tries until it succeeds, fails for good, or meets its limits. Throws nothing but `OlympusError`. */
export async function tryWithin<T>(limits: CallLimits, attempt: Attempt<T>): Promise<T> {
  const { timeoutMs, retries } = limits;
  const controller = new AbortController();
  const { signal } = controller;
  const leave = () => controller.abort(clientError('ABORTED'));
  const expire = () => controller.abort(clientError('TIMEOUT', `No answer within ${timeoutMs} ms`));
  const timer = timeoutMs > 0 ? setTimeout(expire, timeoutMs) : undefined;
  const end = timeoutMs > 0 ? Date.now() + timeoutMs : Infinity;
  for (const given of limits.signals) {
    if (given?.aborted) leave();
    given?.addEventListener('abort', leave);
  }
  try {
    for (let failures = 0; ; failures++) {
      signal.throwIfAborted();
      try {
        return await attempt(signal);
      } catch (cause) {
        signal.throwIfAborted();
        const error = errorFrom(cause);
        const delay = delayAfter(error, failures);
        if (failures >= retries || !mayRepeat(error, failures) || Date.now() + delay > end) throw error;
        await sleep(delay, signal);
      }
    }
  } finally {
    clearTimeout(timer);
    for (const given of limits.signals) given?.removeEventListener('abort', leave);
  }
}

// The server may still be at work on a try whose answer was lost.
const mayRepeat = (error: OlympusError, failures: number): boolean =>
  isTransient(error) || (failures > 0 && error.failure.code === 'IDEMPOTENCY_IN_PROGRESS');

const sleep = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason as OlympusError);
    };
    signal.addEventListener('abort', stop, { once: true });
  });
