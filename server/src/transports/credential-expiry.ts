import type { Caller } from '../kernel/context.ts';
import type { Kernel } from '../kernel/execute.ts';
import { Failure } from '../kernel/failure.ts';

/** The longest time a Node timer can wait. */
const longestMs = 2 ** 31 - 1;

interface Follower {
  readonly kernel: Kernel;
  readonly caller: Caller;
  readonly signal: AbortSignal;
}

/**
 * Follows a stream no longer than its caller's credential lives; then the stream ends with `UNAUTHENTICATED`, and its
 * follower may come back with a new one and the id of the last event.
 */
export async function* whileCredentialLasts<T>(
  { kernel, caller, signal }: Follower,
  open: (signal: AbortSignal) => Promise<AsyncIterable<T>>,
): AsyncGenerator<T, void, undefined> {
  const ending = new AbortController();
  const end = () => ending.abort();
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
  let expired = false;
  let timer: NodeJS.Timeout | undefined;
  try {
    const items = await open(ending.signal);
    const principal = await kernel.identify(caller);
    const left = principal ? principal.expiresAt - Date.now() : Infinity;
    if (left <= longestMs) {
      timer = setTimeout(() => {
        expired = true;
        end();
      }, left);
    }
    yield* items;
  } catch (cause) {
    if (!expired) throw cause;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
    end();
  }
  if (expired) throw new Failure('UNAUTHENTICATED', null, { detail: 'The credential has expired' });
}
