import type { KernelDependencies, Step } from '../execute.ts';
import { Failure } from '../failure.ts';
import { addressDemand, tooMany } from './rate-limit.ts';

/** Refuses at once what this process could not serve in time, and addresses that have spent what they are given. */
export const admit = ({ limits, limiter }: KernelDependencies): Step => {
  let inFlight = 0;
  return async (call, next) => {
    if (inFlight >= limits.maxInFlight) throw new Failure('UNAVAILABLE', { retryAfter: 1 });
    const address = addressDemand(call.caller);
    const spent = limiter.spent(address);
    if (spent) {
      call.notes.rateLimit = spent;
      throw tooMany(spent);
    }
    inFlight++;
    try {
      return await next(call);
    } catch (cause) {
      // Who is refused before the limits are reached, as with a bad token, has called all the same.
      if (!call.counted) await limiter.take([address]);
      throw cause;
    } finally {
      inFlight--;
    }
  };
};
