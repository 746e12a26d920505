import { LRUCache } from 'lru-cache';

/** A window that starts with the first call that is counted in it. */
export interface Window {
  readonly key: string;
  readonly limit: number;
  readonly windowSeconds: number;
}
/** How a window stands after it was asked. */
export interface Count {
  readonly used: number;
  readonly msLeft: number;
}
export interface Counted {
  readonly allowed: boolean;
  /** In the order of the windows. */
  readonly counts: readonly Count[];
}

/** A call that costs more than a whole window takes a whole window: otherwise it could never be made. */
export const priceOf = (cost: number, { limit }: Window): number => Math.min(cost, limit);

/** More keys than these, and those least used start over. */
const maxKeys = 50_000;

/** Counts in this process: `cost` from every window, or from none where one has too little left. */
export function createMemoryCounters(now: () => number = () => performance.now()) {
  const running = new LRUCache<string, { used: number; readonly endsAt: number }>({ max: maxKeys });
  return (windows: readonly Window[], cost: number): Counted => {
    const time = now();
    let allowed = true;
    const states = windows.map((window) => {
      const kept = running.get(window.key);
      const state = kept && kept.endsAt > time ? kept : { used: 0, endsAt: time + window.windowSeconds * 1000 };
      if (state.used + priceOf(cost, window) > window.limit) allowed = false;
      return state;
    });
    if (allowed)
      for (const [index, window] of windows.entries()) {
        const state = states[index]!;
        // A window that has begun is kept already.
        if (state.used === 0) running.set(window.key, state);
        state.used += priceOf(cost, window);
      }
    return { allowed, counts: states.map(({ used, endsAt }) => ({ used, msLeft: endsAt - time })) };
  };
}
