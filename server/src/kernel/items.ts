/**
 * Where a stream can be had without asking for each item: what comes is handed over at once, in batches. One batch goes to
 * many readers, so what is made of it once can be kept by it. A reader takes either the items or the flow.
 */
export const flow = Symbol('flow');
export interface Flowing<T = unknown> extends AsyncIterable<T> {
  /** Resolves when the stream has ended, as it does on the signal of its call; rejects with what it or `take` has failed with. */
  readonly [flow]?: ((take: Take<T>) => Promise<void>) | undefined;
}
/** Takes a batch. Where it returns a promise, the next one is to come when that has resolved. */
export type Take<T = unknown> = (batch: readonly T[]) => Promise<void> | undefined;

interface Watch {
  readonly map?: ((item: unknown) => unknown) | undefined;
  readonly mapBatch?: ((batch: readonly unknown[]) => readonly unknown[]) | undefined;
  readonly onEnd?: ((fault: { readonly cause: unknown } | null) => void) | undefined;
}

/**
 * Items of a stream with a word at its end: `onEnd` is called once, with what was thrown if it failed, also where the
 * stream is left before its first item was asked for, which a generator would not notice. `map` may change each item, and
 * `mapBatch` does the same to those of a flow.
 */
export const watchItems = (items: Flowing, watch: Watch): Flowing & AsyncIterableIterator<unknown> =>
  new Watched(items, watch);

/** A class, not closures, of which thousands of open streams would each hold a dozen. */
class Watched implements Flowing, AsyncIterableIterator<unknown> {
  readonly #items: Flowing;
  readonly #watch: Watch;
  #inner: AsyncIterator<unknown> | null = null;
  #ended = false;

  constructor(items: Flowing, watch: Watch) {
    this.#items = items;
    this.#watch = watch;
  }

  get [flow](): Flowing[typeof flow] {
    return this.#items[flow] && ((take) => this.#flowTo(take));
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<unknown>> {
    if (this.#ended) return over;
    const { map } = this.#watch;
    try {
      const item = await this.#read().next();
      if (item.done) this.#end(null);
      else if (map) return { done: false, value: map(item.value) };
      return item;
    } catch (cause) {
      if (!this.#ended) void this.#read().return?.();
      this.#end({ cause });
      throw cause;
    }
  }

  return(): Promise<IteratorResult<unknown>> {
    this.#end(null);
    return this.#read().return?.() ?? Promise.resolve(over);
  }

  #read(): AsyncIterator<unknown> {
    return (this.#inner ??= this.#items[Symbol.asyncIterator]());
  }

  /** No function that waits where there is nothing to wait for: each would be held as long as the stream. */
  #flowTo(take: Take): Promise<void> {
    const { map, mapBatch = map && each(map), onEnd } = this.#watch;
    const over = this.#items[flow]?.(mapBatch ? (batch) => take(mapBatch(batch)) : take) ?? Promise.resolve();
    if (!onEnd) return over;
    return over.then(
      () => this.#end(null),
      (cause: unknown) => {
        this.#end({ cause });
        throw cause;
      },
    );
  }

  #end(fault: { readonly cause: unknown } | null): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#watch.onEnd?.(fault);
  }
}
const over: IteratorReturnResult<undefined> = { done: true, value: undefined };

const each =
  (map: (item: unknown) => unknown) =>
  (batch: readonly unknown[]): readonly unknown[] =>
    batch.map(map);

/** Hands a stream over in batches, whether it flows by itself or is asked for each item, until it or its call ends. */
export function flowTo(items: Flowing, signal: AbortSignal, take: Take): Promise<void> {
  return items[flow]?.((batch) => (signal.aborted ? undefined : take(batch))) ?? pull(items, signal, take);
}

async function pull(items: AsyncIterable<unknown>, signal: AbortSignal, take: Take): Promise<void> {
  for await (const item of items) {
    if (signal.aborted) break;
    await take([item]);
  }
}

/** The same of a batch for all who are given it: what is made of it is kept as long as the batch itself. */
export function perBatch<A extends object, B>(make: (batch: A) => B): (batch: A) => B {
  const made = new WeakMap<A, B>();
  return (batch) => {
    let result = made.get(batch);
    if (result === undefined) made.set(batch, (result = make(batch)));
    return result;
  };
}
