import type { Call, Caller, Principal } from '../context.ts';
import type { KernelDependencies, Step } from '../execute.ts';
import { Failure } from '../failure.ts';

export interface Authenticator {
  /** Resolves the caller's credential, at most once until it expires; null without one, `UNAUTHENTICATED` for a bad one, `TENANT_SUSPENDED` where its tenant is. */
  identify(caller: Caller): Promise<Principal | null>;
  /** Calls the listener soon after something changed that credentials rest on, in whichever process; the returned function ends that. */
  onChange?(listener: (change: AccessChange) => void): () => void;
}

/** Whose credentials have to be looked at again: all of a tenant's, a user's or a session's, or one key. */
export interface AccessChange {
  readonly kind: 'tenant' | 'user' | 'session' | 'key';
  readonly id: string;
}

/** A bad credential is refused even where none is needed: a client that believes itself signed in must learn that it is not. */
export const authenticate = (deps: KernelDependencies): Step => {
  const identify = identifier(deps);
  return async (call, next) => {
    call.principal = await identify(call.caller, call);
    return next(call);
  };
};

export const admitsOf =
  ({ addresses }: KernelDependencies) =>
  ({ address }: Caller, { tenantId }: Principal): boolean =>
    addresses?.admits(tenantId, address) ?? true;

/** A good credential from an address that its tenant keeps out is `FORBIDDEN`, and the tenant's audit log tells of it. */
export function identifier(
  deps: KernelDependencies,
): (caller: Caller, call?: Call | null) => Promise<Principal | null> {
  const admits = admitsOf(deps);
  return async (caller, call = null) => {
    const principal = await deps.authenticator.identify(caller);
    if (!principal || admits(caller, principal)) return principal;
    const failure = refusedAddress();
    await deps.audit.keptOut(caller, principal, { call, failure });
    throw failure;
  };
}

/** An address that the operator's lists, or those of the tenant, keep out. */
export const refusedAddress = (): Failure =>
  new Failure('FORBIDDEN', { permission: null }, { detail: 'Calls from this address are not admitted' });
