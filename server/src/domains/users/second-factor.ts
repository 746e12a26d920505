import type { Context } from '../../kernel/context.ts';
import { Failure, type Fail } from '../../kernel/failure.ts';
import type { AccountDependencies } from '../account/procedures.ts';
import { checkReach, checkRole } from './changes.ts';
import { lockWithOwners } from './repository.ts';

export type ResetDependencies = Pick<AccountDependencies, 'database' | 'secondFactor' | 'endSessions' | 'post'>;
type ResetFail = Fail<'USER_NOT_FOUND' | 'ROLE_TOO_HIGH' | 'LOCATION_REFUSED'>;

/**
 * Turns off the second factor of somebody who has lost it. Who is above the caller, or sees more, is refused as for any
 * change; so is the caller themself, since whoever holds a stolen session must not be rid of the factor by it. A user
 * without a factor stays as they are. Seals and letters belong to the system role, and so does the transaction.
 */
export async function resetSecondFactor(
  { database, secondFactor, endSessions, post }: ResetDependencies,
  { ctx, id }: { ctx: Context; id: string },
  fail: ResetFail,
): Promise<void> {
  const { tenantId, userId, locationIds } = ctx.principal;
  if (id === userId) throw ownFactor();
  await database.systemTransaction(async (db) => {
    const { user } = (await lockWithOwners({ ...db, tenantId }, id)) ?? fail('USER_NOT_FOUND', { id });
    checkRole(ctx, user.role, fail);
    checkReach(locationIds, user.locationIds, fail);
    if (!(await secondFactor.remove(db, { tenantId, id }))) return;
    await endSessions(db, { tenantId, userId: id }, null);
    await post(db, { kind: 'secondFactorReset', email: user.email });
  });
}

const ownFactor = (): Failure =>
  new Failure(
    'FORBIDDEN',
    { permission: null },
    { detail: 'Your own second factor is turned off by account.totp.disable, with the password and a code' },
  );
