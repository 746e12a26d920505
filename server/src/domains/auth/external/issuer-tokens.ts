import { decodeJwt, jwtVerify, type JWTVerifyGetKey } from 'jose';
import { LRUCache } from 'lru-cache';
import { Failure } from '../../../kernel/failure.ts';
import type { Clock } from '../../../platform/clock.ts';
import type { CredentialSource } from '../authenticator.ts';
import { readAssertion, type Assertion } from './claims.ts';
import type { LinkedUsers } from './linked-users.ts';
import { remoteKeys } from './remote-keys.ts';
import type { ExternalIssuer } from './settings.ts';

const maxLength = 8192;
/** How far the clocks of issuers may be apart from ours. */
const clocksApartSeconds = 10;
/** For which a signature is not checked again: an issuer that takes a key back waits no longer for it. */
const verifiedForMs = 60_000;

interface Verified {
  readonly assertion: Assertion;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}
interface Trusted {
  readonly settings: ExternalIssuer;
  readonly keys: JWTVerifyGetKey;
}

/**
 * JWTs of other issuers. `iss` finds the settings by which a token is checked, keys, algorithms, audience and type, all
 * of them the operator's (RFC 8725 §3.8); nothing else of it is believed before.
 */
export function createIssuerTokens(
  issuers: readonly ExternalIssuer[],
  users: LinkedUsers,
  clock: Clock,
): CredentialSource {
  const trusted = new Map<string, Trusted>(
    issuers.flatMap((settings) =>
      settings.jwks === undefined ? [] : [[settings.issuer, { settings, keys: remoteKeys(settings.jwks) }] as const],
    ),
  );
  const verified = new LRUCache<string, Verified>({ max: 20_000, ttl: verifiedForMs });

  const check = async (token: string, { settings, keys }: Trusted): Promise<Verified | null> => {
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer: settings.issuer,
        audience: settings.audience ?? [],
        algorithms: settings.algorithms ?? [],
        ...(settings.type === null ? {} : { typ: settings.type }),
        requiredClaims: ['iss', 'aud', 'exp'],
        clockTolerance: clocksApartSeconds,
        currentDate: clock.now(),
      });
      const assertion = readAssertion(settings, payload);
      return assertion && { assertion, expiresAt: ((payload.exp ?? 0) + clocksApartSeconds) * 1000 };
    } catch (cause) {
      if (cause instanceof Failure) throw cause;
      return null;
    }
  };

  return {
    recognises: (credential) => trusted.has(issuerOf(credential) ?? ''),
    async principalOf(credential) {
      const issuer = trusted.get(issuerOf(credential) ?? '');
      if (!issuer) return null;
      const found = verified.get(credential) ?? (await check(credential, issuer));
      if (!found || found.expiresAt <= clock.now().getTime()) return null;
      verified.set(credential, found, { noUpdateTTL: true });
      return users.principalOf(found.assertion, found.expiresAt, issuer.settings.users === 'verifiedEmail');
    },
    forgetAll: () => users.forgetAll(),
  };
}

/** What a token says its issuer is, unchecked; null for what is no JWT. */
function issuerOf(credential: string): string | null {
  if (credential.length > maxLength || !/^[\w-]+\.[\w-]+\.[\w-]*$/.test(credential)) return null;
  try {
    return decodeJwt(credential).iss ?? null;
  } catch {
    return null;
  }
}
