import type { RateClass } from '@olympus/contracts';
import { networkOf } from '../../platform/client-address.ts';
import type { Call, Caller, Notes, RatePolicy } from '../context.ts';
import type { KernelDependencies, Step } from '../execute.ts';
import { Failure } from '../failure.ts';

/** Whose calls are counted under a policy. */
export interface Demand {
  readonly policy: RatePolicy;
  readonly key: string;
  /** Calls a second, instead of what is configured. */
  readonly limit?: number;
}
export type Standing = NonNullable<Notes['rateLimit']>;
export interface Taken {
  readonly allowed: boolean;
  /** The window that bounds its caller most; null where nothing is limited. */
  readonly state: Standing | null;
}

export interface RateLimiter {
  /** Takes `cost` (1 when absent) under every policy, or under none where one has too little left. */
  take(demands: readonly Demand[], cost?: number): Promise<Taken>;
  /** How a window stands that is known to be spent, without asking anybody; otherwise null. */
  spent(demand: Demand): Standing | null;
}

/** Each call counts, alone or in a batch; all its limits are taken in one step. */
export const rateLimit =
  ({ limiter }: KernelDependencies): Step =>
  async (call, next) => {
    call.counted = true;
    const { allowed, state } = await limiter.take(demandsOf(call), costOf(call));
    if (state) call.notes.rateLimit = state;
    if (!allowed) throw tooMany(state);
    return next(call);
  };

/** Whoever hops about in a network of their own is counted as one. */
export const addressDemand = ({ address }: Caller): Demand => ({ policy: 'address', key: networkOf(address) });

/** Says which limit it was, so that its caller knows what to slow down or to ask for. */
export const tooMany = (state: Standing | null): Failure =>
  new Failure('RATE_LIMITED', { retryAfter: state?.resetSeconds ?? 1 }, state ? { detail: spentText(state) } : {});

const spentText = ({ policy, limit, windowSeconds, resetSeconds }: Standing): string =>
  `${limit} ${limited[policy]} in ${windowSeconds} s are used up; the next may come in ${resetSeconds} s`;
const limited: Record<RatePolicy, string> = {
  read: 'reads of this caller',
  write: 'changes of this caller',
  signIn: 'attempts for this account',
  stream: 'new streams of this caller',
  address: 'calls of this address',
  tenant: 'calls of this tenant',
  apiKey: 'calls of this API key',
};

function demandsOf(call: Call): Demand[] {
  const { caller, principal } = call;
  const { def, kind } = call.procedure.contract;
  const policy = call.rate ?? def.rate ?? (kind === 'mutation' ? 'write' : 'read');
  const demands: Demand[] = [{ policy, key: keyOf(call, policy) }, addressDemand(caller)];
  if (!principal) return demands;
  demands.push({ policy: 'tenant', key: principal.tenantId });
  const { apiKeyId, userId, callsPerSecond } = principal;
  if (callsPerSecond !== null) demands.push({ policy: 'apiKey', key: apiKeyId ?? userId, limit: callsPerSecond });
  return demands;
}

/**
 * A sign-in counts against the account that is tried and the network that tries it, so that a stranger uses up nothing of
 * the account's own people elsewhere; all else against the API key or user, or the network of a stranger.
 */
function keyOf({ input, principal, caller }: Call, rateClass: RateClass): string {
  if (rateClass === 'signIn') {
    const email = fieldOf(input, 'email');
    if (typeof email === 'string')
      return `account:${email.trim().toLowerCase().slice(0, 254)} ${networkOf(caller.address)}`;
  }
  if (!principal) return `address:${networkOf(caller.address)}`;
  return principal.apiKeyId === null ? `user:${principal.userId}` : `key:${principal.apiKeyId}`;
}

/** What the contract says; by the length of a list, at least one. The input is not checked yet. */
function costOf({ input, procedure }: Call): number {
  const { cost = 1 } = procedure.contract.def;
  if (typeof cost === 'number') return cost;
  const items = fieldOf(input, cost.each);
  return Array.isArray(items) ? Math.max(1, items.length) : 1;
}

const fieldOf = (input: unknown, name: string): unknown =>
  typeof input === 'object' && input !== null && Object.hasOwn(input, name)
    ? (input as Record<string, unknown>)[name]
    : undefined;
