import type { contracts, Session } from '@olympus/contracts';
import type { Database } from '@olympus/database';
import type { Logger } from 'pino';
import type { Handlers } from '../../kernel/implement.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Ids } from '../../platform/ids.ts';
import type { Secrets } from '../../platform/secrets.ts';
import type { SigningKeys } from '../../platform/signing-keys.ts';
import type { AccountDependencies } from '../account/procedures.ts';
import type { Cursors } from '../cursors.ts';
import { createApiKeyCredentials } from '../api-keys/credential.ts';
import { createAccessChanges, type AccessChanges } from './access-changes.ts';
import { createAttempts } from './attempts.ts';
import { createAuthenticator, createSessionTokens, type CredentialAuthenticator } from './authenticator.ts';
import { signInHandlers } from './external/procedures.ts';
import type { ExternalIssuer, SignInProvider } from './external/settings.ts';
import { externalSources } from './external/sources.ts';
import type { Post } from './letter.ts';
import { createPasswords, type Passwords } from './passwords.ts';
import { authHandlers, foundTenant, openTenant, type Registration } from './procedures.ts';
import { createSecondFactor } from './second-factor.ts';
import { endOtherSessions } from './session-repository.ts';
import { createSessionReader, createSessions } from './sessions.ts';
import { createAccessTokens, type AccessTokens } from './tokens.ts';

export interface AuthOptions {
  readonly database: Database;
  readonly keys: SigningKeys;
  readonly secrets: Secrets;
  readonly cursors: Cursors;
  readonly post: Post;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Pick<Logger, 'warn'>;
  readonly config: {
    readonly registration: 'open' | 'closed';
    readonly issuer: string;
    readonly accessTokenSeconds: number;
    readonly refreshTokenDays: number;
    readonly requireVerifiedEmail: boolean;
    /** Failed sign-ins of one network in an hour, before it has to wait. */
    readonly failuresPerAddress: number;
    /** Memory of a password's hash. */
    readonly passwordKib: number;
  };
  /** Others whose tokens are accepted. */
  readonly externalIssuers?: readonly ExternalIssuer[];
  /** Where people may sign in beside by password. */
  readonly signInProviders?: readonly SignInProvider[];
}

export interface Auth {
  readonly handlers: Handlers<typeof contracts.auth>;
  readonly signIn: Handlers<typeof contracts.signIn>;
  readonly authenticator: CredentialAuthenticator;
  /** Shared, so that all hashing of a process waits in one queue. */
  readonly passwords: Passwords;
  /** What the user's own account is looked after with. */
  readonly account: AccountDependencies;
  /** Registers where registration is closed to strangers, as the operator does who seeds. */
  readonly openTenant: (input: Registration) => Promise<Session>;
  /** Opens a tenant without signing anybody in, and tells its id. */
  readonly foundTenant: (input: Registration) => Promise<string>;
  readonly tokens: AccessTokens;
  /** To be started and stopped with the process. */
  readonly changes: AccessChanges;
  /** The public keys, for services that check tokens by themselves. */
  readonly jwks: SigningKeys['published'];
}

export function createAuth({
  database,
  keys,
  secrets,
  cursors,
  post,
  clock,
  ids,
  log,
  config,
  ...others
}: AuthOptions): Auth {
  const { externalIssuers = [], signInProviders = [] } = others;
  const { issuer, accessTokenSeconds, refreshTokenDays, registration, requireVerifiedEmail } = config;
  const tokens = createAccessTokens({ keys, clock, ids, issuer, lifetimeSeconds: accessTokenSeconds });
  const sessionTokens = createSessionTokens(tokens, createSessionReader(database.systemDb, clock), {
    requireVerifiedEmail,
  });
  const apiKeys = createApiKeyCredentials({ db: database.systemDb, clock });
  const external = externalSources(externalIssuers, { database, clock });
  const changes = createAccessChanges({ database, log });
  const authenticator = createAuthenticator([apiKeys, ...external, sessionTokens], changes);
  const sessions = createSessions({ tokens, secrets, clock, ids, refreshTokenDays });
  const passwords = createPasswords({ kib: config.passwordKib });
  const attempts = createAttempts({ db: database.systemDb, secrets, clock, perAddress: config.failuresPerAddress });
  const secondFactor = createSecondFactor({ secrets, clock, ids });
  const account: AccountDependencies = {
    database,
    clock,
    passwords,
    attempts,
    secondFactor,
    post,
    async endSessions(db, user, kept) {
      // What is asked for again before the commit is asked for once more within a second.
      for (const id of await endOtherSessions(db, user, { kept, now: clock.now() })) sessionTokens.forget(id);
    },
  };
  const own = { authenticator, sessionTokens, sessions, cursors, ids, registration, requireVerifiedEmail };
  const deps = { ...account, ...own };
  const byOperator = { origin: { device: 'Operator', address: 'local' }, vouched: true };
  return {
    handlers: authHandlers(deps),
    signIn: signInHandlers({ database, sessions, passwords, clock, ids, providers: signInProviders }),
    authenticator,
    passwords,
    account,
    openTenant: async (input) => sessions.grant(await openTenant(deps, input, byOperator)),
    foundTenant: (input) =>
      foundTenant(deps, input, { vouched: true, also: (_, { tenantId }) => Promise.resolve(tenantId) }),
    tokens,
    changes,
    jwks: () => keys.published(),
  };
}
