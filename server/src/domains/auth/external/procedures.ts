import { contracts } from '@olympus/contracts';
import type { Database, SystemDb } from '@olympus/database';
import { createHash } from 'node:crypto';
import { inTenant } from '../../../events/outbox.ts';
import type { Failure } from '../../../kernel/failure.ts';
import { implement, type Handlers } from '../../../kernel/implement.ts';
import type { Clock } from '../../../platform/clock.ts';
import type { Ids } from '../../../platform/ids.ts';
import { tellOfSignIn, tellOfUser } from '../../users/events.ts';
import { originOf } from '../devices.ts';
import type { Passwords } from '../passwords.ts';
import { holdByIdentity } from '../repository.ts';
import { userOf, type Sessions } from '../sessions.ts';
import { createProvider, type Attempt, type Person } from './provider.ts';
import { findLinked, insertLinkedUser, insertPending, linkByEmail, takePending } from './repository.ts';
import type { SignInProvider } from './settings.ts';

export interface SignInDependencies {
  readonly database: Database;
  readonly sessions: Sessions;
  readonly passwords: Passwords;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly providers: readonly SignInProvider[];
}

const lifetimeSeconds = 600;
const prefix = 'ols_';

/**
 * Sign-in by OAuth 2 authorization code with PKCE (RFC 9700). The client keeps a secret, from which all that an attempt
 * needs is derived: the address carries only its hash, so that neither whoever sees the address, nor whoever sends a
 * victim to one of their own, nor whoever reads the database can finish the sign-in. Second factors are the provider's
 * concern: ours belongs to the password.
 */
export function signInHandlers(deps: SignInDependencies): Handlers<typeof contracts.signIn> {
  const { database, sessions, passwords, clock, ids } = deps;
  const providers = new Map(
    deps.providers.map((settings) => [settings.id, { settings, provider: createProvider(settings) }] as const),
  );

  return implement(contracts.signIn, {
    providers: async () => ({ items: deps.providers.map(({ id, name }) => ({ id, name })) }),

    async start({ input: { provider: id, redirectUri }, fail }) {
      const known = providers.get(id) ?? fail('SIGN_IN_PROVIDER_NOT_FOUND', { id });
      if (!known.settings.redirectUris.includes(redirectUri)) {
        const message = 'must be one of the addresses that are configured for this provider';
        fail('INVALID_INPUT', { issues: [{ field: 'redirectUri', message, code: 'custom', nearest: null }] });
      }
      const secret = prefix + ids.secret(32);
      const attempt = attemptOf(secret, redirectUri);
      const authorizationUrl = await known.provider.authorizationUrl(attempt);
      const expiresAt = new Date(clock.now().getTime() + lifetimeSeconds * 1000);
      await database.systemTransaction((db) =>
        insertPending(db, { stateHash: attempt.state, provider: id, redirectUri, expiresAt }),
      );
      return { authorizationUrl, state: secret, expiresIn: lifetimeSeconds };
    },

    async finish({ input: { code, state: secret, iss, device }, ctx, fail }) {
      // Used from here on, whatever comes of it.
      const pending = await database.systemTransaction((db) => takePending(db, digest('state', secret), clock.now()));
      const known = pending && providers.get(pending.provider);
      if (!known) return fail('INVALID_SIGN_IN');
      const { provider, settings } = known;
      const attempt = attemptOf(secret, pending.redirectUri);
      const person = await provider.exchange(attempt, { code, iss }).catch((failure: Failure) => {
        const reason = failure.cause instanceof Error ? failure.cause.message : failure.code;
        // The caller is not told which check it was, but whoever sets a provider up needs to know.
        ctx.log.warn({ provider: settings.id, reason }, 'a sign-in at a provider was refused');
        throw failure;
      });
      // Nobody knows it: until they set one, people who are added here sign in at their provider alone. Hashed before
      // the transaction, since it takes longer than all the rest.
      const adds = settings.newUsers !== undefined && person.email !== null;
      const passwordHash = adds ? await passwords.hash(ids.secret(32)) : null;
      const opened = await database.systemTransaction(async (db) => {
        const id = ids.next();
        const found = await accountOf(db, person, { settings, passwordHash, id, now: clock.now() });
        const account = found ?? fail('NO_ACCOUNT');
        const origin = originOf(ctx.caller, device);
        const opening = await sessions.open(db, account, origin);
        const tenant = inTenant(db, account.tenantId, ctx);
        if (account.id === id) await tellOfUser(tenant, userOf(account));
        await tellOfSignIn(tenant, { userId: account.id, device: origin.device });
        return opening;
      });
      ctx.record({ subject: { tenantId: opened.account.tenantId, userId: opened.account.id } });
      return sessions.grant(opened);
    },
  });
}

interface Means {
  readonly settings: SignInProvider;
  /** For a user who is added; null where none may be. */
  readonly passwordHash: string | null;
  readonly id: string;
  readonly now: Date;
}

/** The account of a person by their link, which is made where the settings allow it; null where there is none. */
async function accountOf(db: SystemDb, person: Person, { settings, passwordHash, id, now }: Means) {
  const { email } = person;
  const { newUsers } = settings;
  // A link to a user who is not active is final.
  const linked = await findLinked(db, person);
  if (linked || email === null) return holdByIdentity(db, person);
  if (settings.linkByEmail) await linkByEmail(db, person, { email, tenantId: null, now });
  const held = await holdByIdentity(db, person);
  if (held || !newUsers || passwordHash === null) return held;
  const { tenant: tenantId, role } = newUsers;
  await insertLinkedUser(db, person, { id, tenantId, email, name: person.name ?? email, role, passwordHash, now });
  return holdByIdentity(db, person);
}

const attemptOf = (secret: string, redirectUri: string): Attempt => ({
  redirectUri,
  state: digest('state', secret),
  nonce: digest('nonce', secret),
  verifier: digest('verifier', secret),
});

const digest = (purpose: string, secret: string): string =>
  createHash('sha256').update(`${purpose}:${secret}`).digest('base64url');
