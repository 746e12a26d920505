import { contracts, type ParsedInputOf, type Session } from '@olympus/contracts';
import type { Database, SystemDb } from '@olympus/database';
import { fail, Failure } from '../../kernel/failure.ts';
import { implement, type Handlers } from '../../kernel/implement.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Ids } from '../../platform/ids.ts';
import type { CredentialAuthenticator, SessionTokens } from './authenticator.ts';
import type { Passwords } from './passwords.ts';
import {
  findActor,
  findFamily,
  findKeyIdentity,
  findMe,
  findPassword,
  holdByPassword,
  insertOwner,
  insertTenant,
  revokeFamily,
  type Account,
} from './repository.ts';
import { hashOf, userOf, type Sessions } from './sessions.ts';

export interface AuthDependencies {
  readonly database: Database;
  readonly authenticator: CredentialAuthenticator;
  readonly sessionTokens: SessionTokens;
  readonly sessions: Sessions;
  readonly passwords: Passwords;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly registration: 'open' | 'closed';
}
export type Registration = ParsedInputOf<typeof contracts.auth.register.def>;

/** Opens a tenant with its owner, whether or not strangers may. Fails with `EMAIL_TAKEN`. */
export const openTenant = async (deps: AuthDependencies, input: Registration): Promise<Session> =>
  deps.sessions.grant(await foundTenant(deps, input, (db, owner) => deps.sessions.open(db, owner)));

/** As above, with what else has to be done in the same transaction. */
export async function foundTenant<T>(
  { database, passwords, clock, ids }: Pick<AuthDependencies, 'database' | 'passwords' | 'clock' | 'ids'>,
  input: Registration,
  also: (db: SystemDb, owner: Account) => Promise<T>,
): Promise<T> {
  const { name, email, timeZone, currency } = input;
  const passwordHash = await passwords.hash(input.password);
  const now = clock.now();
  const tenant = { id: ids.next(), name: input.tenant, timeZone, currency, createdAt: now };
  const owner = { tenantId: tenant.id, id: ids.next(), email, name, passwordHash, createdAt: now };
  return database.systemTransaction(async (db) => {
    await insertTenant(db, tenant);
    if (!(await insertOwner(db, owner))) fail('EMAIL_TAKEN', { email });
    return also(db, {
      ...owner,
      role: 'owner',
      active: true,
      locationIds: [],
      suspended: false,
      updatedAt: now,
      version: 1,
      timeZone,
      currency,
    });
  });
}

/** Finds users before their tenant is known, so it runs under the system role, in short transactions of its own. */
export function authHandlers(deps: AuthDependencies): Handlers<typeof contracts.auth> {
  const { database, authenticator, sessionTokens, sessions, passwords, clock, registration } = deps;
  return implement(contracts.auth, {
    async register({ input, fail }) {
      if (registration === 'closed') fail('REGISTRATION_CLOSED');
      return openTenant(deps, input);
    },

    async login({ input, fail }) {
      const found = await findPassword(database.systemDb, input.email);
      const fits = await passwords.verify(found?.passwordHash ?? null, input.password);
      if (!found || !fits) return fail('INVALID_CREDENTIALS');
      const opened = await database.systemTransaction(async (db) => {
        const account = await holdByPassword(db, found.id, found.passwordHash);
        return account ? sessions.open(db, account) : fail('INVALID_CREDENTIALS');
      });
      return sessions.grant(opened);
    },

    async refresh({ input, fail }) {
      // A failure thrown inside would undo the end of a replayed session.
      const rotated = await database.systemTransaction((db) => sessions.rotate(db, input.refreshToken));
      if (rotated && 'ended' in rotated) sessionTokens.forget(rotated.ended);
      return rotated && 'account' in rotated ? sessions.grant(rotated) : fail('INVALID_REFRESH_TOKEN');
    },

    async logout({ input, ctx }) {
      const { userId, tenantId, sessionId } = ctx.principal;
      const ended = await ctx.transaction(async ({ db }) => {
        const { refreshToken } = input;
        const familyId = refreshToken === undefined ? sessionId : await findFamily(db, userId, hashOf(refreshToken));
        if (familyId) await revokeFamily(db, { tenantId, familyId }, clock.now());
        return familyId;
      });
      if (ended) sessionTokens.forget(ended);
      return null;
    },

    async me({ ctx, fail }) {
      const { userId, tenantId: reached, apiKeyId, actor, role, permissions } = ctx.principal;
      const found = actor
        ? await findActor(database.systemDb, { userId, tenantId: reached })
        : await findMe(ctx.db, userId);
      const account = found ?? fail('UNAUTHENTICATED');
      const { tenantName, timeZone, currency } = account;
      return {
        user: { ...userOf(account), role },
        tenant: { id: reached, name: tenantName, timeZone, currency },
        permissions: [...permissions],
        apiKey: apiKeyId === null ? null : await findKeyIdentity(ctx.db, apiKeyId),
        actor,
      };
    },

    async validate({ input, ctx }) {
      const token = input.token ?? ctx.caller.credential;
      // Of a suspended tenant every credential is refused, which is what is asked here.
      const principal = token === null ? null : await authenticator.principalOf(token).catch(unlessSuspended);
      if (!principal) return { valid: false, userId: null, tenantId: null, role: null, expiresAt: null };
      const { userId, tenantId, role, expiresAt } = principal;
      return { valid: true, userId, tenantId, role, expiresAt: expiresAt === Infinity ? null : new Date(expiresAt) };
    },
  });
}

function unlessSuspended(cause: unknown): null {
  if (cause instanceof Failure && cause.code === 'TENANT_SUSPENDED') return null;
  throw cause;
}
