import type { contracts, Session } from '@olympus/contracts';
import type { Database } from '@olympus/database';
import type { Handlers } from '../../kernel/implement.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Ids } from '../../platform/ids.ts';
import type { SigningKeys } from '../../platform/signing-keys.ts';
import { createAuthenticator, createSessionTokens, type CredentialAuthenticator } from './authenticator.ts';
import { signInHandlers } from './external/procedures.ts';
import type { ExternalIssuer, SignInProvider } from './external/settings.ts';
import { externalSources } from './external/sources.ts';
import { createPasswords, type Passwords } from './passwords.ts';
import { authHandlers, openTenant, type Registration } from './procedures.ts';
import { readSession } from './repository.ts';
import { createSessions } from './sessions.ts';
import { createAccessTokens } from './tokens.ts';

export interface AuthOptions {
  readonly database: Database;
  readonly keys: SigningKeys;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly config: {
    readonly registration: 'open' | 'closed';
    readonly issuer: string;
    readonly accessTokenSeconds: number;
    readonly refreshTokenDays: number;
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
  /** Registers where registration is closed to strangers, as the operator does who seeds. */
  readonly openTenant: (input: Registration) => Promise<Session>;
  /** The public keys, for services that check tokens by themselves. */
  readonly jwks: SigningKeys['published'];
}

export function createAuth({ database, keys, clock, ids, config, ...others }: AuthOptions): Auth {
  const { externalIssuers = [], signInProviders = [] } = others;
  const { issuer, accessTokenSeconds, refreshTokenDays, registration } = config;
  const tokens = createAccessTokens({ keys, clock, ids, issuer, lifetimeSeconds: accessTokenSeconds });
  const sessionTokens = createSessionTokens(tokens, (claims) => readSession(database.systemDb, claims, clock.now()));
  const authenticator = createAuthenticator([...externalSources(externalIssuers, { database, clock }), sessionTokens]);
  const sessions = createSessions({ tokens, clock, ids, refreshTokenDays });
  const passwords = createPasswords();
  const deps = { database, authenticator, sessionTokens, sessions, passwords, clock, ids, registration };
  return {
    handlers: authHandlers(deps),
    signIn: signInHandlers({ database, sessions, passwords, clock, ids, providers: signInProviders }),
    authenticator,
    passwords,
    openTenant: (input) => openTenant(deps, input),
    jwks: () => keys.published(),
  };
}
