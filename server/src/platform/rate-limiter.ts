import { LRUCache } from 'lru-cache';
import type { RatePolicy } from '../kernel/context.ts';
import type { Demand, RateLimiter, Standing, Taken } from '../kernel/steps/rate-limit.ts';
import { createMemoryCounters, priceOf, type Counted, type Window } from './rate-counters.ts';
import type { Redis } from './redis.ts';
import { createSharedCounters, patienceMs } from './shared-counters.ts';

/** So many calls of one key in a window that starts with its first call. An infinite limit counts nothing. */
export interface RateLimit {
  readonly limit: number;
  readonly windowSeconds: number;
}
/** `address` and `tenant` bound all calls of one address and one tenant, beside the class of each call. */
export type RateLimits = Readonly<Record<Exclude<RatePolicy, 'apiKey'>, RateLimit>>;

export const noLimit: RateLimit = { limit: Infinity, windowSeconds: 1 };
export const noRateLimits: RateLimits = {
  read: noLimit,
  write: noLimit,
  signIn: noLimit,
  stream: noLimit,
  address: noLimit,
  tenant: noLimit,
};

const classes = {
  read: { limit: 200, windowSeconds: 1 },
  write: { limit: 100, windowSeconds: 1 },
  signIn: { limit: 10, windowSeconds: 60 },
  stream: { limit: 60, windowSeconds: 60 },
};

/** Users whose full speed one address, or one tenant, is given at once. */
const usersAtOnce = 10;

/** The limits that are given, the defaults, and for addresses and tenants ten times what a user may where nothing is said. */
export function rateLimitsOf(given: Partial<RateLimits> = {}): RateLimits {
  const limits = { ...classes, ...given };
  const { read, write } = limits;
  const widest = read.limit / read.windowSeconds >= write.limit / write.windowSeconds ? read : write;
  const wide = { limit: widest.limit * usersAtOnce, windowSeconds: widest.windowSeconds };
  return { address: wide, tenant: wide, ...limits };
}
export const defaultRateLimits = rateLimitsOf();

/** How long Redis is left alone after it failed to answer in time. */
const restMs = 1000;

export interface RateLimiterOptions {
  readonly limits: RateLimits;
  /** Without it every process counts for itself. */
  readonly redis?: Redis | undefined;
}

/**
 * Counts in Redis for all replicas together, or in memory. While Redis does not answer each replica counts for itself,
 * so that a key is allowed its limit once per replica: calls go on, and none is let through uncounted.
 */
export function createRateLimiter({ limits, redis }: RateLimiterOptions): RateLimiter {
  const alone = createMemoryCounters();
  const together = redis && createSharedCounters(redis);
  // What is spent is asked about no more until its window ends.
  const spentUntil = new LRUCache<string, number>({ max: 10_000 });
  /** 0 while Redis answers. */
  let restUntil = 0;

  const windowOf = ({ policy, key, limit }: Demand): PolicyWindow => {
    const { limit: most, windowSeconds } =
      limit === undefined && policy !== 'apiKey' ? limits[policy] : { limit: limit ?? Infinity, windowSeconds: 1 };
    return { policy, key: `${policy}:${key}`, limit: most, windowSeconds };
  };
  const knownSpent = (window: PolicyWindow): Standing | null => {
    if (spentUntil.size === 0) return null;
    const until = spentUntil.get(window.key);
    if (until === undefined) return null;
    const msLeft = until - performance.now();
    if (msLeft > 0) return standing(window, { used: window.limit, msLeft });
    spentUntil.delete(window.key);
    return null;
  };
  const count = async (windows: readonly PolicyWindow[], cost: number): Promise<Counted> => {
    const now = performance.now();
    if (together && now >= restUntil) {
      // After a rest one call goes to see; the others do not wait for what it finds.
      if (restUntil > 0) restUntil = now + patienceMs + restMs;
      const counted = await together(windows, cost);
      restUntil = counted ? 0 : performance.now() + restMs;
      if (counted) return counted;
    }
    return alone(windows, cost);
  };

  return {
    spent: (demand) => knownSpent(windowOf(demand)),
    async take(demands, cost = 1) {
      const windows = demands.map(windowOf).filter(({ limit }) => limit !== Infinity);
      if (windows.length === 0) return { allowed: true, state: null };
      const known = windows.map(knownSpent).filter((state) => state !== null);
      if (known.length > 0) return { allowed: false, state: known.reduce(later) };
      const counted = await count(windows, cost);
      const now = performance.now();
      for (const [index, { key, limit }] of windows.entries()) {
        const { used, msLeft } = counted.counts[index]!;
        if (used >= limit) spentUntil.set(key, now + msLeft);
      }
      return verdict(windows, counted, cost);
    },
  };
}

interface PolicyWindow extends Window {
  readonly policy: RatePolicy;
}

/** Of a call that is let through, the window with the fewest calls left; of one that is not, the one to be waited for. */
function verdict(windows: readonly PolicyWindow[], { allowed, counts }: Counted, cost: number): Taken {
  const states = windows.map((window, index) => standing(window, counts[index]!));
  if (allowed) return { allowed, state: states.reduce(tighter) };
  const full = states.filter(({ remaining }, index) => remaining < priceOf(cost, windows[index]!));
  return { allowed, state: full.reduce(later) };
}

const tighter = (a: Standing, b: Standing): Standing => (b.remaining < a.remaining ? b : a);
const later = (a: Standing, b: Standing): Standing => (b.resetSeconds > a.resetSeconds ? b : a);

const standing = (
  { policy, limit, windowSeconds }: PolicyWindow,
  count: { used: number; msLeft: number },
): Standing => ({
  policy,
  limit,
  windowSeconds,
  remaining: Math.max(0, limit - count.used),
  // What is left is a difference of two large numbers, and a hair more than a second is not two.
  resetSeconds: Math.max(1, Math.ceil(Math.round(count.msLeft) / 1000)),
});
