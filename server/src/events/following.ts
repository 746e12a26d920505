import type { Clock } from '../platform/clock.ts';

/** Timers hold no longer times, and a clock may be set. */
const longestMs = 60_000;

/** Calls `end` when the clock reaches `expiresAt` (milliseconds since the epoch). */
export function createExpiry(expiresAt: number, clock: Clock, end: () => void) {
  const passed = () => clock.now().getTime() >= expiresAt;
  let timer: NodeJS.Timeout | undefined;
  const arm = () => {
    const delay = Math.min(Math.max(expiresAt - clock.now().getTime(), 0), longestMs);
    timer = setTimeout(() => (passed() ? end() : arm()), delay).unref();
  };
  arm();
  return { passed, clear: () => clearTimeout(timer) };
}

/** A generator whose `return` ends it at once, also while it waits for its next item or has not begun. */
export function following<T>(
  inner: AsyncGenerator<T, void, undefined>,
  { started, end }: { started: Promise<string>; end: () => void },
): AsyncGenerator<T, void, undefined> & { readonly started: Promise<string> } {
  const generator = {
    started,
    next: () => inner.next(),
    return: () => {
      end();
      return inner.return();
    },
    throw: (error: unknown) => {
      end();
      return inner.throw(error);
    },
    [Symbol.asyncIterator]: () => generator,
    [Symbol.asyncDispose]: async () => {
      end();
      await inner.return();
    },
  };
  return generator;
}
