import { createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey } from 'jose';
import { Failure } from '../../../kernel/failure.ts';
import { boundedFetch } from '../../../platform/bounded-fetch.ts';

/** For which an unknown key id is not asked for again. */
const cooldownMs = 10_000;
/** For which a service that did not answer is left alone, while there are no keys at all. */
const retryMs = 1000;

const refusals = [errors.JWKSNoMatchingKey, errors.JWKSMultipleMatchingKeys, errors.JOSENotSupported];

/**
 * The keys of an issuer, kept for ten minutes. Rejects with `UNAVAILABLE` where they cannot be had, so that nobody who
 * is signed in is told that they are not; other errors are the token's.
 */
export function remoteKeys(url: string): JWTVerifyGetKey {
  const ask = boundedFetch({ timeoutMs: 5000, maxBytes: 262_144 });
  let lastAt = -Infinity;
  const keys = createRemoteJWKSet(new URL(url), {
    cooldownDuration: cooldownMs,
    cacheMaxAge: 600_000,
    // The library's own cooldown counts from the last success: one service that is down would be asked for every token.
    [customFetch]: async (address, options) => {
      const now = performance.now();
      if (now - lastAt < (keys.fresh ? cooldownMs : retryMs)) throw new Error('the keys were asked for a moment ago');
      lastAt = now;
      return ask(address, options);
    },
  });
  return async (header, token) => {
    try {
      return await keys(header, token);
    } catch (cause) {
      if (refusals.some((refusal) => cause instanceof refusal)) throw cause;
      throw new Failure('UNAVAILABLE', { retryAfter: 1 }, { cause });
    }
  };
}
