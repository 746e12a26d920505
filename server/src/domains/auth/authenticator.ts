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

export interface SessionAuthenticator extends Authenticator {
  /** Whose token it is; null for a bad one or an ended session. */
  principalOf(token: string): Promise<Principal | null>;
  /** Makes this process ask for the session's state again, which other replicas do within a second anyway. */
  forget(sessionId: string): void;
}

/** Short enough that an open stream, whose credential is looked at about twice a second, ends within a second too. */
const keptForMs = 300;

/**
 * A token tells who calls; the database tells whether the session still stands and with which role. The answer is kept
 * for less than a second, so that a busy session costs few small queries and revocation needs no messages.
 */
export function createAuthenticator(tokens: AccessTokens, readSession: ReadSession): SessionAuthenticator {
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
    return { userId, tenantId, sessionId, expiresAt, permissions, ...session };
  };

  const principalOf = async (token: string): Promise<Principal | null> => {
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
  };

  return {
    principalOf,
    async identify(caller: Caller) {
      if (caller.credential === null) return null;
      const principal = (await principalOf(caller.credential)) ?? fail('UNAUTHENTICATED');
      caller.principal = Promise.resolve(principal);
      return principal;
    },
    forget: (sessionId) => void principals.delete(sessionId),
  };
}
