import { permissionsOf, permissionsOfActor, permissionsOfUnverified, superAdmin, type Role } from '@olympus/contracts';
import { LRUCache } from 'lru-cache';
import type { Caller, Principal } from '../../kernel/context.ts';
import { fail } from '../../kernel/failure.ts';
import type { AccessChange, Authenticator } from '../../kernel/steps/authenticate.ts';
import type { AccessChanges } from './access-changes.ts';
import type { AccessTokens, Claims } from './tokens.ts';

/** How a session stands in the database now; null when it has ended or its user is not active. */
export interface SessionState {
  readonly role: Role;
  /** The locations that the user is kept to; empty: all. */
  readonly locationIds: readonly string[];
  readonly timeZone: string;
  readonly currency: string;
  /** Whether the tenant is. */
  readonly suspended: boolean;
  readonly emailVerified: boolean;
}
export type ReadSession = (claims: Claims) => Promise<SessionState | null>;

/** One kind of credential: tokens of sessions, keys, tokens of other issuers. */
export interface CredentialSource {
  /** Told by its form alone; what the first source to recognise it says is final. */
  recognises(credential: string): boolean;
  /** Whose it is; null for a bad one, or one that has ended. `TENANT_SUSPENDED` where its tenant is. */
  principalOf(credential: string): Promise<Principal | null>;
  /** Forgets the answers that are kept: something has changed that they rest on. */
  forgetAll?(): void;
}

export interface SessionTokens extends CredentialSource {
  /** Makes this process ask for the session's state again, which other replicas do within a second anyway. */
  forget(sessionId: string): void;
}

export interface CredentialAuthenticator extends Authenticator {
  /** Whose credential it is; null for a bad one or one that has ended. */
  principalOf(credential: string): Promise<Principal | null>;
}

export function createAuthenticator(
  sources: readonly CredentialSource[],
  changes?: Pick<AccessChanges, 'subscribe'>,
): CredentialAuthenticator {
  const principalOf = async (credential: string): Promise<Principal | null> =>
    (await sources.find((source) => source.recognises(credential))?.principalOf(credential)) ?? null;
  return {
    principalOf,
    ...(changes && {
      onChange: (listener: (change: AccessChange) => void) =>
        changes.subscribe((change) => {
          for (const source of sources) source.forgetAll?.();
          listener(change);
        }),
    }),
    async identify(caller: Caller) {
      if (caller.credential === null) return null;
      const principal = (await principalOf(caller.credential)) ?? fail('UNAUTHENTICATED');
      caller.principal = Promise.resolve(principal);
      return principal;
    },
  };
}

/** Short enough that an open stream, whose credential is looked at about twice a second, ends within a second too. */
export const keptForMs = 300;

/**
 * A token tells who calls; the database tells whether the session still stands and with which role. The answer is kept
 * for less than a second, so that a busy session costs few small queries and revocation needs no messages.
 */
export function createSessionTokens(
  tokens: AccessTokens,
  readSession: ReadSession,
  { requireVerifiedEmail = false } = {},
): SessionTokens {
  const kept = keepAnswers<Standing>(keptForMs);

  const resolve = async (claims: Claims): Promise<Standing> => {
    const session = await readSession(claims);
    if (!session) return null;
    if (session.suspended) return 'suspended';
    const { userId, tenantId, sessionId, expiresAt, actor } = claims;
    const { timeZone, currency } = session;
    const base = { userId, tenantId, sessionId, expiresAt, timeZone, currency, apiKeyId: null, callsPerSecond: null };
    if (actor && claims.role !== superAdmin) {
      const { role } = claims;
      const acting = { userId, reason: actor.reason };
      return { ...base, role, permissions: permissionsOfActor(role), locationIds: null, actor: acting };
    }
    const { role } = session;
    const own = { ...base, role, locationIds: reachOf(session.locationIds), actor: null };
    if (session.emailVerified || !requireVerifiedEmail) return { ...own, permissions: permissionsOf[role] };
    return { ...own, permissions: permissionsOfUnverified, heldBack: permissionsOf[role] };
  };

  return {
    // Whatever no other source recognises is checked as a token of ours, and found bad.
    recognises: () => true,
    async principalOf(token) {
      const claims = await tokens.verify(token);
      if (!claims) return null;
      const found = standing(await kept.through(keyOf(claims), () => resolve(claims)));
      // A session has a new token with every refresh: what was kept may be another token's.
      return found && found.expiresAt !== claims.expiresAt ? { ...found, expiresAt: claims.expiresAt } : found;
    },
    forget: (sessionId) => kept.forget(sessionId),
    forgetAll: () => kept.clear(),
  };
}

/** Acting tokens descend from the session that got them, and say more than it. */
const keyOf = ({ sessionId, tenantId, role, actor }: Claims): string =>
  actor ? `${sessionId}:${tenantId}:${role}:${actor.reason}` : sessionId;

/** What a credential was found to be. */
export type Standing = Principal | 'suspended' | null;

export const standing = (found: Standing): Principal | null =>
  found === 'suspended' ? fail('TENANT_SUSPENDED') : found;

/** No location at all means every one. */
export const reachOf = (locationIds: readonly string[]): ReadonlySet<string> | null =>
  locationIds.length === 0 ? null : new Set(locationIds);

/** Keeps answers for a moment; those who ask at once share a question, and a failed one is forgotten. */
export function keepAnswers<T extends Standing>(ttl: number) {
  const answers = new LRUCache<string, Promise<T>>({ max: 50_000, ttl, ttlResolution: 50 });
  return {
    through(key: string, ask: () => Promise<T>): Promise<T> {
      const known = answers.get(key);
      if (known) return known;
      const asked = ask();
      asked.catch(() => answers.peek(key) === asked && answers.delete(key));
      answers.set(key, asked);
      return asked;
    },
    forget: (key: string) => void answers.delete(key),
    clear: () => answers.clear(),
  };
}
