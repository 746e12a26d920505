import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { Failure } from '../../../kernel/failure.ts';
import { boundedFetch } from '../../../platform/bounded-fetch.ts';
import type { Clock } from '../../../platform/clock.ts';
import type { CredentialSource } from '../authenticator.ts';
import { readAssertion, valueAt, type Assertion } from './claims.ts';
import type { LinkedUsers } from './linked-users.ts';
import type { ExternalIssuer } from './settings.ts';

interface Answer {
  readonly assertion: Assertion;
  /** Milliseconds since the epoch; null where the service does not say. */
  readonly expiresAt: number | null;
}

const maxBytes = 65_536;
/** Questions under way at once: a flood of invented tokens must not become a flood upstream. */
const maxAsking = 64;
const dayMs = 86_400_000;

/**
 * Opaque tokens of another service, which is asked whose they are: `GET` with the caller's `Authorization`, answered by
 * claims in JSON, by 401 or 403, or by `{"active": false}` (RFC 7662). Answers, bad ones too, are kept for a few seconds
 * by the token's hash. Anything else is `UNAVAILABLE`: that the service is down says nothing about a caller.
 */
export function createIntrospection(settings: ExternalIssuer, users: LinkedUsers, clock: Clock): CredentialSource {
  const { introspection } = settings;
  if (!introspection) throw new Error(`${settings.issuer} has no introspection`);
  const ask = boundedFetch({ timeoutMs: introspection.timeoutMs, maxBytes });
  const answers = new LRUCache<string, Promise<Answer | null>>({ max: 20_000, ttl: introspection.cacheSeconds * 1000 });
  let asking = 0;

  const question = async (token: string): Promise<Answer | null> => {
    if (asking >= maxAsking) throw unavailable(new Error('too many questions are under way'));
    asking++;
    try {
      const headers = { authorization: `Bearer ${token}`, accept: 'application/json' };
      const response = await ask(introspection.url, { headers });
      if (response.status === 401 || response.status === 403) return null;
      if (response.status !== 200) throw new Error(`the service answered ${response.status}`);
      return answerOf(settings, await response.json());
    } catch (cause) {
      throw unavailable(cause);
    } finally {
      asking--;
    }
  };

  return {
    // What is shaped like a JWT, or like a credential of ours, is none of theirs.
    recognises: (credential) => !/^[\w-]+\.[\w-]+\.[\w-]*$|^ol[a-z]_/.test(credential),
    async principalOf(credential) {
      const hash = createHash('sha256').update(credential).digest('base64url');
      let answer = answers.get(hash);
      if (!answer) {
        const asked = question(credential);
        asked.catch(() => answers.peek(hash) === asked && answers.delete(hash));
        answers.set(hash, asked);
        answer = asked;
      }
      const found = await answer;
      const now = clock.now().getTime();
      const expiresAt = found?.expiresAt ?? now + dayMs;
      if (!found || expiresAt <= now) return null;
      return users.principalOf(found.assertion, expiresAt, settings.users === 'verifiedEmail');
    },
    forgetAll: () => users.forgetAll(),
  };
}

function answerOf(settings: ExternalIssuer, claims: unknown): Answer | null {
  if (valueAt(claims, 'active') === false) return null;
  const assertion = readAssertion(settings, claims);
  const expires = valueAt(claims, settings.claims.expires);
  return assertion && { assertion, expiresAt: typeof expires === 'number' ? expires * 1000 : null };
}

const unavailable = (cause: unknown): Failure => new Failure('UNAVAILABLE', { retryAfter: 1 }, { cause });
