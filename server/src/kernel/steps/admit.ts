import type { KernelDependencies, Step } from '../execute.ts';
import { Failure } from '../failure.ts';

/** Refuses at once what this process could not serve in time. */
export const admit = ({ limits }: KernelDependencies): Step => {
  let inFlight = 0;
  return async (call, next) => {
    if (inFlight >= limits.maxInFlight) throw new Failure('UNAVAILABLE', { retryAfter: 1 });
    inFlight++;
    try {
      return await next(call);
    } finally {
      inFlight--;
    }
  };
};
