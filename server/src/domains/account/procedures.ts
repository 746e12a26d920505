import { contracts } from '@olympus/contracts';
import type { Database, SystemDb } from '@olympus/database';
import { inTenant } from '../../events/outbox.ts';
import type { Caller, Principal } from '../../kernel/context.ts';
import type { Fail } from '../../kernel/failure.ts';
import { implement, type Handlers } from '../../kernel/implement.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Attempts } from '../auth/attempts.ts';
import type { Post } from '../auth/letter.ts';
import type { Passwords } from '../auth/passwords.ts';
import type { SecondFactor } from '../auth/second-factor.ts';
import { tellOfChange } from '../users/events.ts';
import { findCredentials, setPassword, setVerified, takeMailToken } from './repository.ts';
import { hashOf } from './tokens.ts';

export interface AccountDependencies {
  readonly database: Database;
  readonly clock: Clock;
  readonly passwords: Passwords;
  readonly attempts: Attempts;
  readonly secondFactor: SecondFactor;
  /** Ends the sessions of a user, save one, everywhere within a second. */
  readonly endSessions: (
    db: SystemDb,
    user: { tenantId: string; userId: string },
    kept: string | null,
  ) => Promise<void>;
  readonly post: Post;
}
type FactorFail = Fail<'WRONG_PASSWORD' | 'TOTP_NOT_ENROLLED' | 'INVALID_SECOND_FACTOR'>;
interface Own {
  readonly principal: Principal;
  readonly caller: Caller;
}

/**
 * Works across tenants, as signing in does: who asks by mail has none yet. Hashing takes longer than a transaction should
 * last, so each handler opens a short one of its own.
 */
export function account(deps: AccountDependencies): Handlers<typeof contracts.account> {
  const { database, clock, passwords, attempts, secondFactor, endSessions, post } = deps;
  const ownerOf = ({ tenantId, userId }: Principal) => ({ tenantId, id: userId });

  /** Runs `work` once the caller has shown the current password; guesses count as failed sign-ins do. */
  const withPassword = async <T>(
    { principal, caller }: Own,
    given: { password: string; wrong: () => never },
    work: (credentials: { email: string; passwordHash: string }) => Promise<T>,
  ): Promise<T> => {
    const credentials = (await findCredentials(database.systemDb, ownerOf(principal))) ?? given.wrong();
    return attempts.guard({ email: credentials.email, address: caller.address }, async () => {
      if (!(await passwords.verify(credentials.passwordHash, given.password))) given.wrong();
      return work(credentials);
    });
  };

  /** As above, and a code of the second factor, which is used up. */
  const withBothFactors = <T>(
    own: Own,
    { password, code, fail }: { password: string; code: string; fail: FactorFail },
    work: (db: SystemDb) => Promise<T>,
  ): Promise<T> => {
    const owner = ownerOf(own.principal);
    return withPassword(own, { password, wrong: () => fail('WRONG_PASSWORD') }, () =>
      database.systemTransaction(async (db) => {
        if (!(await secondFactor.isOn(db, owner))) fail('TOTP_NOT_ENROLLED');
        if (!(await secondFactor.take(db, owner, code))) fail('INVALID_SECOND_FACTOR');
        return work(db);
      }),
    );
  };

  return implement(contracts.account, {
    async changePassword({ input: { currentPassword, newPassword }, ctx, fail }) {
      const wrong = () => fail('WRONG_PASSWORD');
      await withPassword(ctx, { password: currentPassword, wrong }, async ({ email, passwordHash: expected }) => {
        const passwordHash = await passwords.hash(newPassword);
        const { principal } = ctx;
        await database.systemTransaction(async (db) => {
          const now = clock.now();
          const changed = await setPassword(db, ownerOf(principal), { passwordHash, expected, now });
          await tellOfChange(inTenant(db, principal.tenantId, ctx), changed ?? wrong(), ['password']);
          await endSessions(db, principal, principal.sessionId);
          await post(db, { kind: 'passwordChanged', email });
        });
      });
      return null;
    },

    // Whether the address is anybody's is found out when the letter is written, so that neither answer nor time tells.
    async requestPasswordReset({ input: { email } }) {
      await database.systemTransaction((db) => post(db, { kind: 'resetPassword', email }));
      return null;
    },

    async resetPassword({ input: { token, newPassword }, ctx, fail }) {
      const passwordHash = await passwords.hash(newPassword);
      const now = clock.now();
      const subject = await database.systemTransaction(async (db) => {
        const taken = await takeMailToken(db, { purpose: 'resetPassword', hash: hashOf(token), now });
        const user = taken ?? fail('INVALID_LINK');
        const changed = await setPassword(db, user, { passwordHash, now });
        if (changed) await tellOfChange(inTenant(db, user.tenantId, ctx), changed, ['password']);
        // Whoever opened the link reads the mails of the address.
        await setVerified(db, user, now);
        const owner = { tenantId: user.tenantId, userId: user.id };
        await endSessions(db, owner, null);
        await post(db, { kind: 'passwordChanged', email: user.email });
        return owner;
      });
      ctx.record({ subject });
      return null;
    },

    async requestEmailVerification({ input: { email } }) {
      await database.systemTransaction((db) => post(db, { kind: 'verifyEmail', email }));
      return null;
    },

    async verifyEmail({ input: { token }, ctx, fail }) {
      const now = clock.now();
      const { tenantId, id: userId } = await database.systemTransaction(async (db) => {
        const taken = await takeMailToken(db, { purpose: 'verifyEmail', hash: hashOf(token), now });
        const user = taken ?? fail('INVALID_LINK');
        await setVerified(db, user, now);
        return user;
      });
      ctx.record({ subject: { tenantId, userId } });
      return null;
    },

    totp: {
      async enroll({ input: { password }, ctx, fail }) {
        const wrong = () => fail('WRONG_PASSWORD');
        return withPassword(ctx, { password, wrong }, async ({ email }) => {
          const enrolled = await secondFactor.enroll(database.systemDb, ownerOf(ctx.principal), email);
          return enrolled ?? fail('TOTP_ALREADY_ON');
        });
      },

      async confirm({ input: { code }, ctx, fail }) {
        const confirmed = await database.systemTransaction((db) =>
          secondFactor.confirm(db, ownerOf(ctx.principal), code),
        );
        if (confirmed === 'missing') return fail('TOTP_NOT_ENROLLED');
        if (confirmed === 'on') return fail('TOTP_ALREADY_ON');
        if (confirmed === 'wrong') return fail('INVALID_SECOND_FACTOR');
        return { recoveryCodes: confirmed };
      },

      async renewRecoveryCodes({ input, ctx, fail }) {
        const owner = ownerOf(ctx.principal);
        const renew = (db: SystemDb) => secondFactor.renewRecoveryCodes(db, owner);
        return { recoveryCodes: await withBothFactors(ctx, { ...input, fail }, renew) };
      },

      async disable({ input, ctx, fail }) {
        const owner = ownerOf(ctx.principal);
        await withBothFactors(ctx, { ...input, fail }, (db) => secondFactor.remove(db, owner));
        return null;
      },
    },
  });
}
