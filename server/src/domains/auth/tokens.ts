import { allRoles, type Role } from '@olympus/contracts';
import { decodeProtectedHeader, jwtVerify, SignJWT, type JWTVerifyOptions } from 'jose';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import type { Clock } from '../../platform/clock.ts';
import type { Ids } from '../../platform/ids.ts';
import type { SigningKeys } from '../../platform/signing-keys.ts';

/** What an access token says. */
export interface Claims {
  readonly userId: string;
  readonly tenantId: string;
  readonly role: Role;
  /** The family of refresh tokens that it was issued with. */
  readonly sessionId: string;
  /** The tenant of the platform that the user comes from who acts in this one, and why; null: the user is of this tenant. */
  readonly actor: { readonly tenantId: string; readonly reason: string } | null;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}
export interface Grant extends Omit<Claims, 'expiresAt' | 'actor'> {
  /** Default: a new one. */
  readonly id?: string;
  /** Default: now. The same grant of the same instant is the same token while the same Ed25519 key signs, which does so without chance. */
  readonly issuedAt?: Date;
  readonly timeZone: string;
  readonly currency: string;
  readonly actor?: Claims['actor'];
  /** The installation's when absent. */
  readonly lifetimeSeconds?: number;
}

export interface AccessTokens {
  readonly lifetimeSeconds: number;
  issue(grant: Grant): Promise<string>;
  /** null for anything but a token of ours that is valid now; throws only where the keys cannot be read. */
  verify(token: string): Promise<Claims | null>;
}

export interface AccessTokenOptions {
  readonly keys: SigningKeys;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly issuer: string;
  readonly lifetimeSeconds: number;
}

const audience = 'olympus';
const type = 'at+jwt';
const maxLength = 8192;
const maxKidLength = 256;
const payload = z.object({
  sub: z.uuid(),
  tid: z.uuid(),
  sid: z.uuid(),
  role: z.enum(allRoles),
  act: z.object({ sub: z.uuid(), tid: z.uuid(), reason: z.string() }).optional(),
  exp: z.number(),
});

/** RFC 9068 access tokens, checked as RFC 8725 asks: the key decides how it is checked, and the token only which key. */
export function createAccessTokens({ keys, clock, ids, issuer, lifetimeSeconds }: AccessTokenOptions): AccessTokens {
  // A signature costs 100 µs to check, and a client sends the same token with every call.
  const verified = new LRUCache<string, { readonly kid: string; readonly claims: Claims }>({ max: 20_000 });
  const expected: JWTVerifyOptions = {
    issuer,
    audience,
    typ: type,
    requiredClaims: ['sub', 'tid', 'sid', 'role', 'exp', 'iat', 'jti'],
  };

  const check = async (token: string, kid: string): Promise<Claims | null> => {
    const key = keys.find(kid) ?? (await keys.findAfresh(kid));
    if (!key) return null;
    try {
      const { payload: claims } = await jwtVerify(token, key.publicKey, {
        ...expected,
        algorithms: [key.algorithm],
        currentDate: clock.now(),
      });
      const { sub, tid, sid, role, act, exp } = payload.parse(claims);
      const actor = act ? { tenantId: act.tid, reason: act.reason } : null;
      return { userId: sub, tenantId: tid, sessionId: sid, role, actor, expiresAt: exp * 1000 };
    } catch {
      return null;
    }
  };

  return {
    lifetimeSeconds,
    issue({ userId, tenantId, role, sessionId, timeZone, currency, ...rest }) {
      const { actor, id = ids.next(), issuedAt = clock.now(), lifetimeSeconds: own = lifetimeSeconds } = rest;
      const { kid, algorithm, privateKey } = keys.signer();
      const now = Math.floor(issuedAt.getTime() / 1000);
      return new SignJWT({
        tid: tenantId,
        role,
        sid: sessionId,
        tz: timeZone,
        cur: currency,
        // RFC 8693 §4.1: who acts.
        ...(actor && { act: { sub: userId, tid: actor.tenantId, reason: actor.reason } }),
      })
        .setProtectedHeader({ alg: algorithm, typ: type, kid })
        .setSubject(userId)
        .setIssuer(issuer)
        .setAudience(audience)
        .setJti(id)
        .setIssuedAt(now)
        .setExpirationTime(now + own)
        .sign(privateKey);
    },
    async verify(token) {
      const known = verified.get(token);
      // A key may have been retired since.
      if (known && keys.find(known.kid)) return known.claims.expiresAt > clock.now().getTime() ? known.claims : null;
      const kid = kidOf(token);
      const claims = kid === null ? null : await check(token, kid);
      if (claims && kid !== null) verified.set(token, { kid, claims });
      return claims;
    },
  };
}

/** The name of the key that a token says it was signed with; null for what no token of ours can be. */
function kidOf(token: string): string | null {
  if (token.length > maxLength) return null;
  try {
    const { kid } = decodeProtectedHeader(token);
    return typeof kid === 'string' && kid.length <= maxKidLength ? kid : null;
  } catch {
    return null;
  }
}
