import { atLeast, type Role, type User } from '@olympus/contracts';
import { constraintOf } from '@olympus/database';
import type { Context } from '../../kernel/context.ts';
import type { Fail } from '../../kernel/failure.ts';
import { endSessions, lockWithOwners, updateUser, type UserChanges } from './repository.ts';

type ChangeFail = Fail<'USER_NOT_FOUND' | 'EMAIL_TAKEN' | 'LAST_OWNER' | 'ROLE_TOO_HIGH' | 'VERSION_CONFLICT'>;

export interface UserChange {
  readonly id: string;
  readonly expectedVersion: number | undefined;
  readonly changes: UserChanges;
}

/** Nobody gives a role above their own. */
export function checkRole(ctx: Context, role: Role, fail: Fail<'ROLE_TOO_HIGH'>): void {
  if (!atLeast(ctx.principal.role, role)) fail('ROLE_TOO_HIGH', { role });
}

/** Nobody changes a user who stands above them, and no tenant loses its last active owner. */
export async function changeUser(
  ctx: Context,
  { id, expectedVersion, changes }: UserChange,
  fail: ChangeFail,
): Promise<User> {
  const { db, clock } = ctx;
  const { user, otherOwners } = (await lockWithOwners(db, id)) ?? fail('USER_NOT_FOUND', { id });
  checkRole(ctx, user.role, fail);
  if (changes.role !== undefined) checkRole(ctx, changes.role, fail);
  if (expectedVersion !== undefined && expectedVersion !== user.version)
    fail('VERSION_CONFLICT', { currentVersion: user.version });
  if (!differs(user, changes)) return user;

  const after = { role: changes.role ?? user.role, active: changes.active ?? user.active };
  if (isActiveOwner(user) && !isActiveOwner(after) && otherOwners === 0) fail('LAST_OWNER');

  const now = clock.now();
  const changed = await updateUser(db, id, { ...changes, now }).catch((cause: unknown) =>
    constraintOf(cause) === 'users_email' ? fail('EMAIL_TAKEN', { email: changes.email ?? '' }) : Promise.reject(cause),
  );
  if (!after.active || changes.passwordHash !== undefined) await endSessions(db, id, now);
  if (!changed) return fail('USER_NOT_FOUND', { id });
  ctx.record({ before: user, after: changed });
  return changed;
}

/** What is set to what it is already is no change; a password always is one. */
const differs = (user: User, { passwordHash, ...named }: UserChanges): boolean =>
  passwordHash !== undefined ||
  Object.entries(named).some(([field, value]) => value !== undefined && value !== user[field as keyof typeof named]);

const isActiveOwner = ({ role, active }: { role: Role; active: boolean }): boolean => role === 'owner' && active;
