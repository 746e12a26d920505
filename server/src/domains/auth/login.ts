import type { contracts, ParsedInputOf } from '@olympus/contracts';
import type { Database } from '@olympus/database';
import { inTenant } from '../../events/outbox.ts';
import type { Context, Principal } from '../../kernel/context.ts';
import type { Fail } from '../../kernel/failure.ts';
import { tellOfSignIn } from '../users/events.ts';
import type { Attempts } from './attempts.ts';
import { originOf } from './devices.ts';
import type { Passwords } from './passwords.ts';
import { findPassword, holdByPassword } from './repository.ts';
import type { SecondFactor } from './second-factor.ts';
import type { Opened, Sessions } from './sessions.ts';

export interface LoginDependencies {
  readonly database: Database;
  readonly sessions: Sessions;
  readonly passwords: Passwords;
  readonly attempts: Attempts;
  readonly secondFactor: SecondFactor;
  readonly requireVerifiedEmail: boolean;
}
type Input = ParsedInputOf<typeof contracts.auth.login.def>;
type LoginFail = Fail<
  'INVALID_CREDENTIALS' | 'SECOND_FACTOR_REQUIRED' | 'INVALID_SECOND_FACTOR' | 'EMAIL_NOT_VERIFIED'
>;

/** Opens a session by password and, where the user has one, a code of the second factor. */
export function logIn(
  deps: LoginDependencies,
  { email, ...input }: Input,
  { ctx, fail }: { ctx: Pick<Context<Principal | null>, 'caller' | 'record' | 'clock' | 'requestId'>; fail: LoginFail },
): Promise<Opened> {
  const { database, sessions, passwords, attempts, secondFactor, requireVerifiedEmail } = deps;
  const { caller } = ctx;
  return attempts.guard({ email, address: caller.address }, async () => {
    const found = await findPassword(database.systemDb, email);
    if (found) ctx.record({ subject: { tenantId: found.tenantId, userId: found.id } });
    const fits = await passwords.verify(found?.passwordHash ?? null, input.password);
    if (!found || !fits) return fail('INVALID_CREDENTIALS');
    if (requireVerifiedEmail && !found.emailVerifiedAt) fail('EMAIL_NOT_VERIFIED');
    const code = found.totpEnabled ? (input.code ?? fail('SECOND_FACTOR_REQUIRED')) : null;
    return database.systemTransaction(async (db) => {
      const account = (await holdByPassword(db, found.id, found.passwordHash)) ?? fail('INVALID_CREDENTIALS');
      if (code !== null && !(await secondFactor.take(db, account, code))) fail('INVALID_SECOND_FACTOR');
      const origin = originOf(caller, input.device);
      const opened = await sessions.open(db, account, origin);
      await tellOfSignIn(inTenant(db, account.tenantId, ctx), { userId: account.id, device: origin.device });
      return opened;
    });
  });
}
