import type { AnyContract, Permission } from '@olympus/contracts';
import type { Principal } from './context.ts';
import { Failure } from './failure.ts';

/** Why a call may go on, or may not. */
export type Decision =
  | { readonly allowed: true; readonly because: 'public' | 'permission' | 'own' }
  | { readonly allowed: false; readonly because: 'unauthenticated' }
  | {
      readonly allowed: false;
      readonly because: 'permission' | 'unverified' | 'everyLocation';
      readonly permission: Permission;
    };

/** The one place where it is decided who may call what. What of it they reach, the database's policies decide. */
export function decide({ def }: AnyContract, principal: Principal | null, input: unknown): Decision {
  const { access, ownAccess, everyLocation } = def;
  if (access === 'public') return { allowed: true, because: 'public' };
  if (!principal) return { allowed: false, because: 'unauthenticated' };
  const { permissions, heldBack, locationIds, userId } = principal;
  if (everyLocation && locationIds) return { allowed: false, because: 'everyLocation', permission: access };
  if (permissions.has(access)) return { allowed: true, because: 'permission' };
  if (ownAccess && permissions.has(ownAccess) && idOf(input) === userId) return { allowed: true, because: 'own' };
  return { allowed: false, because: heldBack?.has(access) ? 'unverified' : 'permission', permission: access };
}

/** The failure that a refusal is told by. */
export function refusalOf(decision: Decision & { allowed: false }): Failure {
  if (decision.because === 'unauthenticated') return new Failure('UNAUTHENTICATED', null);
  const { permission } = decision;
  return new Failure('FORBIDDEN', { permission }, { ...details[decision.because] });
}

const details = {
  permission: undefined,
  unverified: { detail: 'The e-mail address must be verified first, by the link of the mail' },
  everyLocation: { detail: 'This is about all locations, and the caller is kept to some' },
};

/** The input is not validated yet where this is asked. */
const idOf = (input: unknown): string | null =>
  typeof input === 'object' && input !== null && 'id' in input && typeof input.id === 'string'
    ? input.id.toLowerCase()
    : null;
