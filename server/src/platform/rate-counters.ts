import { LRUCache } from 'lru-cache';
import type { Redis } from './redis.ts';

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

/** The same for all replicas at once: Redis runs a script as one step. */
const script = `
local cost, allowed, used, price = tonumber(ARGV[1]), 1, {}, {}
for i, key in ipairs(KEYS) do
  local limit = tonumber(ARGV[2 * i])
  used[i] = tonumber(redis.call('GET', key) or '0')
  price[i] = math.min(cost, limit)
  if used[i] + price[i] > limit then allowed = 0 end
end
local answer = { allowed }
for i, key in ipairs(KEYS) do
  if allowed == 1 then used[i] = redis.call('INCRBY', key, price[i]) end
  local left = redis.call('PTTL', key)
  if left == -1 then
    left = tonumber(ARGV[2 * i + 1])
    redis.call('PEXPIRE', key, left)
  end
  answer[2 * i] = used[i]
  answer[2 * i + 1] = left
end
return answer`;

type Scripted = Redis['client'] & { olympusTake(keys: number, ...rest: (string | number)[]): Promise<number[]> };

/** Rejects when Redis does not answer. */
export function createSharedCounters({ client }: Redis) {
  client.defineCommand('olympusTake', { lua: script });
  const scripted = client as Scripted;
  return async (windows: readonly Window[], cost: number): Promise<Counted> => {
    const [allowed, ...numbers] = await scripted.olympusTake(
      windows.length,
      ...windows.map(({ key }) => `rate:${key}`),
      cost,
      ...windows.flatMap(({ limit, windowSeconds }) => [limit, windowSeconds * 1000]),
    );
    const counts = windows.map(({ windowSeconds }, index) => {
      const msLeft = numbers[2 * index + 1] ?? -2;
      // Nothing is kept yet of a window that another one refused.
      return { used: numbers[2 * index] ?? 0, msLeft: msLeft < 0 ? windowSeconds * 1000 : msLeft };
    });
    return { allowed: allowed === 1, counts };
  };
}
