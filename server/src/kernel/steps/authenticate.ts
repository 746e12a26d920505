import type { Caller, Principal } from '../context.ts';
import type { KernelDependencies, Step } from '../execute.ts';

export interface Authenticator {
  /** Resolves the caller's credential, at most once until it expires; null without one, `UNAUTHENTICATED` for a bad one. */
  identify(caller: Caller): Promise<Principal | null>;
}

/** A bad credential is refused even where none is needed: a client that believes itself signed in must learn that it is not. */
export const authenticate =
  ({ authenticator }: KernelDependencies): Step =>
  async (call, next) => {
    call.principal = await authenticator.identify(call.caller);
    return next(call);
  };
