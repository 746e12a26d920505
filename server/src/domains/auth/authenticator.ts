import { permissionsOf, type Role } from '@olympus/contracts';
import { LRUCache } from 'lru-cache';
import type { Caller, Principal } from '../../kernel/context.ts';
import { fail } from '../../kernel/failure.ts';
import type { Authenticator } from '../../kernel/steps/authenticate.ts';
import type { AccessTokens, Claims } from './tokens.ts';

/** How a session stands in the database now; null when it has ended or its user is not active. */
export interface SessionState {
  readonly role: Role;
  readonly timeZone: string;
  readonly currency: string;
}
export type ReadSession = (claims: Claims) => Promise<SessionState | null>;

/** One kind of credential: tokens of sessions, keys, tokens of other issuers. */
export interface CredentialSource {
  /** Told by its form alone; what the first source to recognise it says is final. */
  recognises(credential: string): boolean;
  /** Whose it is; null for a bad one, or one that has ended. */
  principalOf(credential: string): Promise<Principal | null>;
}

export interface SessionTokens extends CredentialSource {
  /** Makes this process ask for the session's state again, which other replicas do within a second anyway. */
  forget(sessionId: string): void;
}

export interface CredentialAuthenticator extends Authenticator {
  /** Whose credential it is; null for a bad one or one that has ended. */
  principalOf(credential: string): Promise<Principal | null>;
}

export function createAuthenticator(sources: readonly CredentialSource[]): CredentialAuthenticator {
  const principalOf = async (credential: string): Promise<Principal | null> =>
    (await sources.find((source) => source.recognises(credential))?.principalOf(credential)) ?? null;
  return {
    principalOf,
    async identify(caller: Caller) {
      if (caller.credential === null) return null;
      const principal = (await principalOf(caller.credential)) ?? fail('UNAUTHENTICATED');
      caller.principal = Promise.resolve(principal);
      return principal;
    },
  };
}

/** Short enough that an open stream, whose credential is looked at about twice a second, ends within a second too. */
const keptForMs = 300;

/**
 * A token tells who calls; the database tells whether the session still stands and with which role. The answer is kept
 * for less than a second, so that a busy session costs few small queries and revocation needs no messages.
 */
export function createSessionTokens(tokens: AccessTokens, readSession: ReadSession): SessionTokens {
  const principals = new LRUCache<string, Promise<Principal | null>>({
    max: 50_000,
    ttl: keptForMs,
    ttlResolution: 50,
  });

  const resolve = async (claims: Claims): Promise<Principal | null> => {
    const session = await readSession(claims);
    if (!session) return null;
    const { userId, tenantId, sessionId, expiresAt } = claims;
    const permissions = permissionsOf[session.role];
    const own = { apiKeyId: null, callsPerSecond: null, locationIds: null, actor: null };
    return { userId, tenantId, sessionId, expiresAt, permissions, ...own, ...session };
  };

  return {
    // Whatever no other source recognises is checked as a token of ours, and found bad.
    recognises: () => true,
    async principalOf(token) {
      const claims = await tokens.verify(token);
      if (!claims) return null;
      const { sessionId } = claims;
      let principal = principals.get(sessionId);
      if (!principal) {
        const asked = resolve(claims);
        asked.catch(() => principals.peek(sessionId) === asked && principals.delete(sessionId));
        principals.set(sessionId, asked);
        principal = asked;
      }
      const found = await principal;
      // A session has a new token with every refresh: what was kept may be another token's.
      return found && found.expiresAt !== claims.expiresAt ? { ...found, expiresAt: claims.expiresAt } : found;
    },
    forget: (sessionId) => void principals.delete(sessionId),
  };
}
