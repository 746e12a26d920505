import type { RateClass } from '@olympus/contracts';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import type { RateLimiter } from '../kernel/steps/rate-limit.ts';
import type { Redis } from './redis.ts';

/** So many calls of one key in a window that starts with its first call. */
export interface RateLimit {
  readonly limit: number;
  readonly windowSeconds: number;
}
export type RateLimits = Readonly<Record<RateClass, RateLimit>>;

export const defaultRateLimits: RateLimits = {
  read: { limit: 200, windowSeconds: 1 },
  write: { limit: 100, windowSeconds: 1 },
  signIn: { limit: 10, windowSeconds: 60 },
  stream: { limit: 60, windowSeconds: 60 },
};

/** How long Redis is left alone after it failed to answer in time. */
const restMs = 1000;
const patienceMs = 250;

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
  const counters = Object.fromEntries(
    Object.entries(limits).map(([name, { limit, windowSeconds }]) => {
      const options = { keyPrefix: `rate:${name}`, points: limit, duration: windowSeconds };
      return [name, { memory: new RateLimiterMemory(options), shared: redis && sharedCounter(redis, options) }];
    }),
  ) as Record<RateClass, { memory: RateLimiterMemory; shared: RateLimiterRedis | undefined }>;
  let restUntil = 0;

  const count = async (rateClass: RateClass, key: string): Promise<Counted> => {
    const { memory, shared } = counters[rateClass];
    if (shared && performance.now() >= restUntil) {
      const counted = await settled(shared, key);
      if (counted) return counted;
      restUntil = performance.now() + restMs;
    }
    return memory.consume(key).then(allowed, refused);
  };

  return {
    async take(rateClass, key) {
      const { limit, windowSeconds } = limits[rateClass];
      const { allowed, state } = await count(rateClass, key);
      return {
        allowed,
        policy: rateClass,
        limit,
        windowSeconds,
        remaining: state.remainingPoints,
        resetSeconds: Math.max(1, Math.ceil(state.msBeforeNext / 1000)),
      };
    },
  };
}

function sharedCounter(redis: Redis, options: { keyPrefix: string; points: number; duration: number }) {
  // A key that is spent asks Redis no more until its window ends.
  return new RateLimiterRedis({
    ...options,
    storeClient: redis.client,
    rejectIfRedisNotReady: true,
    inMemoryBlockOnConsumed: options.points + 1,
  });
}

/** null when Redis did not answer in time. */
async function settled(limiter: RateLimiterRedis, key: string): Promise<Counted | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, patienceMs, null);
  });
  try {
    return await Promise.race([limiter.consume(key).then(allowed, refused), late]);
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
  }
}

interface Counted {
  readonly allowed: boolean;
  readonly state: RateLimiterRes;
}
const allowed = (state: RateLimiterRes): Counted => ({ allowed: true, state });
/** The library rejects with the state of a spent key; anything else is an error. */
function refused(reason: unknown): Counted {
  if (reason instanceof RateLimiterRes) return { allowed: false, state: reason };
  throw reason;
}
