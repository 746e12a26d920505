/** Waiting that can be cut short. */
export interface Pause {
  /** Waits until woken; not at all if that happened since the last wait. */
  until(milliseconds: number): Promise<void>;
  /** Waits the whole time, woken or not. */
  unwoken(milliseconds: number): Promise<void>;
  readonly wake: () => void;
  /** Ends every wait, now and from now on. */
  readonly end: () => void;
  readonly ended: boolean;
}

export function createPause(): Pause {
  const waits = new Set<{ resolve: () => void; timer: NodeJS.Timeout; wakeable: boolean }>();
  let woken = false;
  let ended = false;

  function finish(wakeable: boolean | null): void {
    for (const wait of waits) {
      if (wakeable !== null && wait.wakeable !== wakeable) continue;
      clearTimeout(wait.timer);
      waits.delete(wait);
      wait.resolve();
    }
  }
  const wait = (milliseconds: number, wakeable: boolean): Promise<void> =>
    new Promise((resolve) => {
      const entry = { resolve, wakeable, timer: setTimeout(() => (waits.delete(entry), resolve()), milliseconds) };
      waits.add(entry);
    });

  return {
    async until(milliseconds) {
      if (!woken && !ended) await wait(milliseconds, true);
      woken = false;
    },
    async unwoken(milliseconds) {
      if (!ended) await wait(milliseconds, false);
    },
    wake() {
      woken = true;
      finish(true);
    },
    end() {
      ended = true;
      finish(null);
    },
    get ended() {
      return ended;
    },
  };
}
