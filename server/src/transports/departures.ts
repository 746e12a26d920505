import { setTimeout as sleep } from 'node:timers/promises';

export interface Pace {
  /** Milliseconds between two that leave, */
  readonly apartMs: number;
  /** and for all of them at most, however many there are. */
  readonly withinMs: number;
}

/** 2,000 take 12 s: what takes them in has to look up each of them. */
export const defaultPace: Pace = { apartMs: 6, withinMs: 12_000 };

/** For how long so many are to be spread. */
export const spreadMs = (count: number, { apartMs, withinMs }: Pace): number => Math.min(count * apartMs, withinMs);

const stepMs = 20;

/** Does something to one after another, evenly over the time that so many are given. */
export async function oneByOne<T>(all: readonly T[], pace: Pace, act: (one: T) => void): Promise<void> {
  const total = spreadMs(all.length, pace);
  const start = performance.now();
  for (let done = 0; done < all.length;) {
    const passed = performance.now() - start;
    const due = passed >= total ? all.length : Math.min(all.length, Math.floor((all.length * passed) / total) + 1);
    for (const one of all.slice(done, due)) act(one);
    done = due;
    if (done < all.length) await sleep(stepMs);
  }
}

/** Streams that are told to leave when the process drains. */
export interface Departures {
  /** `leave` is called when it is this one's turn, at once where the process drains already; the returned function takes it back. */
  readonly add: (leave: () => void) => () => void;
}

/** Lets streams end one after another, so that their readers do not all arrive elsewhere at once. */
export function createDepartures(closing: AbortSignal | null, pace: Pace = defaultPace): Departures {
  const open = new Set<{ readonly leave: () => void }>();
  const depart = () =>
    void oneByOne([...open], pace, (one) => {
      if (open.delete(one)) one.leave();
    });
  closing?.addEventListener('abort', depart, { once: true });
  return {
    add(leave) {
      if (closing?.aborted) {
        leave();
        return () => {};
      }
      const one = { leave };
      open.add(one);
      return () => void open.delete(one);
    },
  };
}
