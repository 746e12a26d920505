import { atLeast, type Role, type User } from '@olympus/contracts';
import { constraintOf } from '@olympus/database';
import type { Context } from '../../kernel/context.ts';
import { Failure, type Fail } from '../../kernel/failure.ts';
import { changesBetween, tellOfChange } from './events.ts';
import { endSessions, findUnknownLocation, lockWithOwners, updateUser, type UserChanges } from './repository.ts';

type ChangeFail = Fail<
  | 'USER_NOT_FOUND'
  | 'EMAIL_TAKEN'
  | 'LAST_OWNER'
  | 'ROLE_TOO_HIGH'
  | 'LOCATION_NOT_FOUND'
  | 'LOCATION_REFUSED'
  | 'VERSION_CONFLICT'
>;

export interface UserChange {
  readonly id: string;
  readonly expectedVersion: number | undefined;
  readonly changes: UserChanges;
}

/** Nobody gives a role above their own. */
export function checkRole(ctx: Context, role: Role, fail: Fail<'ROLE_TOO_HIGH'>): void {
  if (!atLeast(ctx.principal.role, role)) fail('ROLE_TOO_HIGH', { role });
}

/** Nobody who is kept to locations gives others more of them. */
export async function checkLocations(
  { db, principal }: Context,
  locationIds: readonly string[],
  fail: Fail<'LOCATION_NOT_FOUND' | 'LOCATION_REFUSED'>,
): Promise<void> {
  checkReach(principal.locationIds, locationIds, fail);
  const unknown = await findUnknownLocation(db, locationIds);
  if (unknown !== undefined) fail('LOCATION_NOT_FOUND', { id: unknown });
}

export function checkReach(
  own: ReadonlySet<string> | null,
  others: readonly string[],
  fail: Fail<'LOCATION_REFUSED'>,
): void {
  if (!own) return;
  const beyond = others.find((id) => !own.has(id));
  if (others.length === 0 || beyond !== undefined)
    fail('LOCATION_REFUSED', { locationId: beyond ?? null, allowed: [...own] });
}

/** What is a user's own to change needs no permission over users; the rest does, whoever it is about. */
export function checkOwn({ principal }: Context, { role, active, locationIds }: UserChanges): void {
  const theirs = role === undefined && active === undefined && locationIds === undefined;
  if (!theirs && !principal.permissions.has('users:write'))
    throw new Failure('FORBIDDEN', { permission: 'users:write' });
}

/** Nobody changes a user who stands above them or sees more than they do, and no tenant loses its last active owner. */
export async function changeUser(
  ctx: Context,
  { id, expectedVersion, changes }: UserChange,
  fail: ChangeFail,
): Promise<User> {
  const { db, clock } = ctx;
  const { user, otherOwners } = (await lockWithOwners(db, id)) ?? fail('USER_NOT_FOUND', { id });
  checkRole(ctx, user.role, fail);
  if (user.id !== ctx.principal.userId) checkReach(ctx.principal.locationIds, user.locationIds, fail);
  if (changes.role !== undefined) checkRole(ctx, changes.role, fail);
  if (changes.locationIds !== undefined) await checkLocations(ctx, changes.locationIds, fail);
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
  const password = changes.passwordHash === undefined ? [] : (['password'] as const);
  await tellOfChange(ctx, changed, [...changesBetween(user, changed), ...password]);
  return changed;
}

/** What is set to what it is already is no change; a password always is one. */
const differs = (user: User, { passwordHash, locationIds, ...named }: UserChanges): boolean =>
  passwordHash !== undefined ||
  (locationIds !== undefined && !isSameSet(locationIds, user.locationIds)) ||
  Object.entries(named).some(([field, value]) => value !== undefined && value !== user[field as keyof typeof named]);

const isActiveOwner = ({ role, active }: { role: Role; active: boolean }): boolean => role === 'owner' && active;

const isSameSet = (a: readonly string[], b: readonly string[]): boolean =>
  new Set(a).size === new Set(b).size && a.every((one) => b.includes(one));
