import type { RateClass } from '@olympus/contracts';
import type { Call, Notes } from '../context.ts';
import type { KernelDependencies, Step } from '../execute.ts';
import { Failure } from '../failure.ts';

export interface RateLimiter {
  /** Counts one call of `key` and says how the window stands; `allowed` is false when it is spent. */
  take(rateClass: RateClass, key: string): Promise<{ allowed: boolean } & NonNullable<Notes['rateLimit']>>;
}

/** Each call counts, alone or in a batch. */
export const rateLimit =
  ({ limiter }: KernelDependencies): Step =>
  async (call, next) => {
    const { def, kind } = call.procedure.contract;
    const rateClass = def.rate ?? (kind === 'mutation' ? 'write' : 'read');
    const { allowed, ...state } = await limiter.take(rateClass, keyOf(call, rateClass));
    call.notes.rateLimit = state;
    if (!allowed) throw new Failure('RATE_LIMITED', { retryAfter: state.resetSeconds });
    return next(call);
  };

/** A sign-in counts against the account that is tried, whoever tries; all else against the user, or the address of a stranger. */
function keyOf(call: Call, rateClass: RateClass): string {
  if (rateClass === 'signIn') {
    const { input } = call;
    const email = typeof input === 'object' && input !== null && 'email' in input ? input.email : null;
    if (typeof email === 'string') return `account:${email.trim().toLowerCase().slice(0, 254)}`;
  }
  return call.principal ? `user:${call.principal.userId}` : `address:${call.caller.address}`;
}
