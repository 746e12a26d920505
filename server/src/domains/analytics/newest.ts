/** What was given last and not taken yet; what is overtaken is forgotten, so nothing piles up before a slow reader. */
export interface Newest<T> {
  /** Resolves when there is something to take, or no more will come. Rejects as the source has. */
  changed(): Promise<void>;
  take(): T | undefined;
  readonly ended: boolean;
  /** Resolves when no more will come, for whatever reason. */
  readonly end: Promise<void>;
}

export function newestOf<T>(source: AsyncIterable<T>): Newest<T> {
  let newest: T | undefined;
  let ended = false;
  let wake = () => {};
  const draining = (async () => {
    try {
      for await (const item of source) {
        newest = item;
        wake();
      }
    } finally {
      ended = true;
      wake();
    }
  })();
  const end = draining.catch(() => {});
  return {
    async changed() {
      while (newest === undefined && !ended) await new Promise<void>((resolve) => (wake = resolve));
      if (newest === undefined) await draining;
    },
    take() {
      const taken = newest;
      newest = undefined;
      return taken;
    },
    get ended() {
      return ended;
    },
    end,
  };
}
