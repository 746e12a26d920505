import { contracts, type ParsedInputOf } from '@olympus/contracts';
import type { SystemDb } from '@olympus/database';
import { fail, Failure } from '../../kernel/failure.ts';
import { implement, type Handlers } from '../../kernel/implement.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Ids } from '../../platform/ids.ts';
import type { Cursors } from '../cursors.ts';
import { page } from '../paging.ts';
import type { CredentialAuthenticator, SessionTokens } from './authenticator.ts';
import { originOf, type Origin } from './devices.ts';
import type { Post } from './letter.ts';
import { logIn, type LoginDependencies } from './login.ts';
import { findActor, findKeyIdentity, findMe, insertOwner, insertTenant, type Account } from './repository.ts';
import { endOtherSessions, endSession, findFamily, sessionList } from './session-repository.ts';
import { hashOf, userOf, type Opened } from './sessions.ts';

export interface AuthDependencies extends LoginDependencies {
  readonly authenticator: CredentialAuthenticator;
  readonly sessionTokens: SessionTokens;
  readonly post: Post;
  readonly cursors: Cursors;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly registration: 'open' | 'closed';
}
export type Registration = Omit<ParsedInputOf<typeof contracts.auth.register.def>, 'device'>;

/**
 * Opens a tenant with its owner, whether or not strangers may. Fails with `EMAIL_TAKEN`. The owner is asked by mail to
 * show that the address is theirs, unless the operator vouches for it.
 */
export const openTenant = (
  deps: AuthDependencies,
  input: Registration,
  { origin, vouched }: { origin: Origin; vouched: boolean },
): Promise<Opened> => foundTenant(deps, input, { vouched, also: (db, owner) => deps.sessions.open(db, owner, origin) });

/** As above, with what else has to be done in the same transaction. */
export async function foundTenant<T>(
  { database, passwords, post, clock, ids }: AuthDependencies,
  input: Registration,
  { vouched, also }: { vouched: boolean; also: (db: SystemDb, owner: Account) => Promise<T> },
): Promise<T> {
  const { name, email, timeZone, currency } = input;
  const passwordHash = await passwords.hash(input.password);
  const now = clock.now();
  const tenant = { id: ids.next(), name: input.tenant, timeZone, currency, createdAt: now };
  const user = { tenantId: tenant.id, id: ids.next(), email, name, createdAt: now };
  return database.systemTransaction(async (db) => {
    await insertTenant(db, tenant);
    const owner = { ...user, passwordHash, emailVerifiedAt: vouched ? now : null };
    if (!(await insertOwner(db, owner))) fail('EMAIL_TAKEN', { email });
    if (!vouched) await post(db, { kind: 'verifyEmail', email });
    const terms = { timeZone, currency, suspended: false, locationIds: [] };
    return also(db, { ...user, ...terms, role: 'owner', active: true, updatedAt: now, version: 1 });
  });
}

/** Finds users before their tenant is known, so it runs under the system role, in short transactions of its own. */
export function authHandlers(deps: AuthDependencies): Handlers<typeof contracts.auth> {
  const { database, authenticator, sessionTokens, sessions, cursors, clock, registration } = deps;
  return implement(contracts.auth, {
    async register({ input: { device, ...input }, ctx, fail }) {
      if (registration === 'closed') fail('REGISTRATION_CLOSED');
      const opened = await openTenant(deps, input, { origin: originOf(ctx.caller, device), vouched: false });
      ctx.record({ subject: { tenantId: opened.account.tenantId, userId: opened.account.id } });
      return sessions.grant(opened);
    },

    login: async ({ input, ctx, fail }) => sessions.grant(await logIn(deps, input, { ctx, fail })),

    async refresh({ input, ctx, fail }) {
      // A failure thrown inside would undo the end of a replayed session.
      const rotated = await database.systemTransaction((db) =>
        sessions.rotate(db, input.refreshToken, originOf(ctx.caller)),
      );
      if (rotated && 'ended' in rotated) sessionTokens.forget(rotated.ended);
      return rotated && 'account' in rotated ? sessions.grant(rotated) : fail('INVALID_REFRESH_TOKEN');
    },

    async logout({ input, ctx }) {
      const { userId, tenantId, sessionId } = ctx.principal;
      const ended = await ctx.transaction(async ({ db }) => {
        const { refreshToken } = input;
        const id = refreshToken === undefined ? sessionId : await findFamily(db, userId, hashOf(refreshToken));
        if (id) await endSession(db, { tenantId, userId }, { id, now: clock.now() });
        return id;
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
      const { tenantName, timeZone, currency, emailVerifiedAt, totpEnabled } = account;
      return {
        user: { ...userOf(account), role },
        tenant: { id: reached, name: tenantName, timeZone, currency },
        emailVerifiedAt,
        totpEnabled,
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

    sessions: {
      list: ({ input, ctx: { db, principal } }) => {
        const { userId, sessionId: current } = principal;
        return page(db, cursors, { input, list: sessionList(db, { userId, current, now: clock.now() }) });
      },

      async revoke({ input: { id }, ctx, fail }) {
        const now = clock.now();
        const ended = await ctx.transaction(({ db }) => endSession(db, ctx.principal, { id, now }));
        if (!ended) fail('SESSION_NOT_FOUND', { id });
        sessionTokens.forget(id);
        return null;
      },

      async revokeOthers({ ctx }) {
        const { principal } = ctx;
        const now = clock.now();
        const ended = await ctx.transaction(({ db }) =>
          endOtherSessions(db, principal, { kept: principal.sessionId, now }),
        );
        for (const id of ended) sessionTokens.forget(id);
        return { revoked: ended.length };
      },
    },
  });
}

function unlessSuspended(cause: unknown): null {
  if (cause instanceof Failure && cause.code === 'TENANT_SUSPENDED') return null;
  throw cause;
}
