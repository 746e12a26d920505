/** What came last and was not taken yet. What is overtaken is forgotten, so nothing piles up before a slow reader. */
export interface Newest<T> {
  /** Resolves when there is something to take, when no more will come, and after `ms` anyway. Rejects as the source has. */
  changed(ms: number): Promise<void>;
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
  return {
    async changed(ms) {
      if (newest === undefined && !ended) {
        let timer: NodeJS.Timeout | undefined;
        await new Promise<void>((resolve) => {
          wake = resolve;
          timer = setTimeout(resolve, ms).unref();
        });
        clearTimeout(timer);
      }
      if (newest === undefined && ended) await draining;
    },
    take() {
      const taken = newest;
      newest = undefined;
      return taken;
    },
    get ended() {
      return ended;
    },
    end: draining.catch(() => {}),
  };
}
