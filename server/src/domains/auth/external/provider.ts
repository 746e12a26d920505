import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  ClientError,
  ClientSecretBasic,
  ClientSecretPost,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
  fetchUserInfo,
  None,
  ResponseBodyError,
  type Configuration,
} from 'openid-client';
import { LRUCache } from 'lru-cache';
import { Failure } from '../../../kernel/failure.ts';
import { boundedFetch } from '../../../platform/bounded-fetch.ts';
import { emailOf } from './claims.ts';
import type { Subject } from './repository.ts';
import type { SignInProvider } from './settings.ts';

/** What is fixed when a sign-in begins, and checked when it ends. */
export interface Attempt {
  readonly redirectUri: string;
  readonly state: string;
  readonly nonce: string;
  /** PKCE (RFC 7636): whoever catches the code cannot use it. */
  readonly verifier: string;
}
export interface Person extends Subject {
  /** Only where the provider has verified it. */
  readonly email: string | null;
  readonly name: string | null;
}

/** A provider, as OpenID Connect defines it. All reject with `UNAVAILABLE` where it does not answer as it should. */
export interface Provider {
  authorizationUrl(attempt: Attempt): Promise<string>;
  /** Who has signed in; `INVALID_SIGN_IN` for a code that is not good, or an answer meant for somebody else. */
  exchange(attempt: Attempt, answer: { code: string; iss: string | undefined }): Promise<Person>;
}

const bounds = { timeoutMs: 5000, maxBytes: 262_144 };
/** After which a provider's own description of itself is read again. */
const describedForMs = 3_600_000;

/** Answers that the provider gave for what is wrong with the attempt, not with the provider. */
const refusals = new Set([
  'OAUTH_INVALID_RESPONSE',
  'OAUTH_JWT_CLAIM_COMPARISON_FAILED',
  'OAUTH_JWT_TIMESTAMP_CHECK_FAILED',
]);

export function createProvider(settings: SignInProvider): Provider {
  const described = new LRUCache<'one', Promise<Configuration>>({ max: 1, ttl: describedForMs });
  const describe = (): Promise<Configuration> => {
    const known = described.get('one');
    if (known) return known;
    const asked = discover(settings);
    described.set('one', asked);
    asked.catch(() => described.peek('one') === asked && described.delete('one'));
    return asked;
  };

  return {
    authorizationUrl: async ({ redirectUri, state, nonce, verifier }) => {
      const provider = await describe().catch(refuse);
      const url = buildAuthorizationUrl(provider, {
        redirect_uri: redirectUri,
        scope: settings.scopes.join(' '),
        state,
        nonce,
        code_challenge: await calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
      });
      return url.href;
    },
    async exchange({ redirectUri, state, nonce, verifier }, { code, iss }) {
      const callback = new URL(redirectUri);
      callback.search = new URLSearchParams({ code, state, ...(iss === undefined ? {} : { iss }) }).toString();
      try {
        const provider = await describe();
        const tokens = await authorizationCodeGrant(provider, callback, {
          expectedState: state,
          expectedNonce: nonce,
          pkceCodeVerifier: verifier,
          idTokenExpected: true,
        });
        const claims = tokens.claims();
        if (!claims) throw new Error('the provider sent no id token');
        // Some tell the address only when they are asked for it.
        const asks = claims['email'] === undefined && provider.serverMetadata().userinfo_endpoint !== undefined;
        const more = asks ? await fetchUserInfo(provider, tokens.access_token, claims.sub) : {};
        const { email, email_verified: verified, name }: Record<string, unknown> = { ...more, ...claims };
        return {
          issuer: claims.iss,
          subject: claims.sub,
          email: verified === true ? emailOf(email) : null,
          name: typeof name === 'string' && name.trim() !== '' ? name.trim().slice(0, 200) : null,
        };
      } catch (cause) {
        return refuse(cause);
      }
    },
  };
}

/** Reads the provider's description (OpenID Connect Discovery), which names its addresses and keys. */
function discover({
  issuer,
  clientId,
  clientSecret,
  clientAuth,
  insecureHttp,
}: SignInProvider): Promise<Configuration> {
  const ask = boundedFetch(bounds);
  const secretBy = clientAuth === 'basic' ? ClientSecretBasic : ClientSecretPost;
  const auth = clientSecret === undefined ? None() : secretBy(clientSecret);
  const plain = insecureHttp || new URL(issuer).protocol === 'http:';
  return discovery(new URL(issuer), clientId, {}, auth, {
    [customFetch]: (url, options) => ask(url, options as RequestInit),
    // The signature of an id token counts, not only the connection that it came by.
    execute: [enableNonRepudiationChecks, ...(plain ? [allowInsecureRequests] : [])],
  });
}

function refuse(cause: unknown): never {
  const isRefusal =
    (cause instanceof ClientError && refusals.has(cause.code ?? '')) ||
    (cause instanceof ResponseBodyError && cause.error === 'invalid_grant');
  throw isRefusal
    ? new Failure('INVALID_SIGN_IN', null, { cause })
    : new Failure('UNAVAILABLE', { retryAfter: 1 }, { cause });
}
