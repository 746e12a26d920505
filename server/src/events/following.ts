import { flow, type Take } from '../kernel/items.ts';
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

interface How {
  readonly started: Promise<string>;
  readonly end: () => void;
}
type Generator<T> = AsyncGenerator<T, void, undefined>;

/** A generator whose `return` ends it at once, also while it waits for its next item or has not begun. */
class FollowingItems<T> implements Generator<T> {
  readonly started: Promise<string>;
  protected readonly end: () => void;
  readonly #inner: Generator<T>;

  constructor(inner: Generator<T>, { started, end }: How) {
    this.#inner = inner;
    this.started = started;
    this.end = end;
  }

  next(): Promise<IteratorResult<T, void>> {
    return this.#inner.next();
  }

  return(): Promise<IteratorResult<T, void>> {
    this.end();
    return this.#inner.return();
  }

  throw(error: unknown): Promise<IteratorResult<T, void>> {
    this.end();
    return this.#inner.throw(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}

/** The batches of a stream, pulled one after the other; with `direct`, those of its live part go there instead. */
export type FollowBatches<T> = (direct?: Take<T>) => Generator<readonly T[]>;

class FollowingFlow<T> extends FollowingItems<T> {
  readonly #follow: FollowBatches<T>;

  constructor(follow: FollowBatches<T>, how: How) {
    super(itemsOf(follow), how);
    this.#follow = follow;
  }

  async [flow](take: Take<T>): Promise<void> {
    for await (const batch of this.#follow(take)) await take(batch);
  }
}

async function* itemsOf<T>(follow: FollowBatches<T>): Generator<T> {
  for await (const batch of follow()) yield* batch;
}

export const following = <T>(inner: Generator<T>, how: How): FollowingItems<T> => new FollowingItems(inner, how);

/** The same of batches, whose items can be had one by one, or as a flow. */
export const followingFlow = <T>(follow: FollowBatches<T>, how: How): FollowingFlow<T> =>
  new FollowingFlow(follow, how);
