import { createHmac, randomUUID, type KeyObject } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT, type CryptoKey, type JWK, type JWTPayload } from 'jose';

/** What a forger of tokens starts from: a good token's claims, and the key that signs them. */
export interface Forge {
  readonly claims: JWTPayload;
  readonly kid: string;
  readonly privateKey: CryptoKey | KeyObject;
  readonly publicJwk: JWK;
  /** The same key as PEM. */
  readonly publicPem: string;
  readonly refreshToken: string;
}

/** The attacks of RFC 8725 and a few more, by name. Each differs from a good token in what its name says. */
export function forgeries(forge: Forge): Record<string, () => string | Promise<string>> {
  const { claims, kid, privateKey, publicJwk, publicPem, refreshToken } = forge;
  const header = { alg: 'EdDSA', typ: 'at+jwt', kid };
  const seconds = () => Math.floor(Date.now() / 1000);
  const sign = (claim: Record<string, unknown> = {}, head: object = {}, key = privateKey) =>
    new SignJWT(withoutUndefined({ ...claims, ...claim }))
      .setProtectedHeader(withoutUndefined<typeof header>({ ...header, ...head }))
      .sign(key);
  const other = (alg: string) => generateKeyPair(alg, { extractable: true });
  const own = async (head: (jwk: JWK) => object, alg = 'EdDSA') => {
    const pair = await other(alg);
    return sign({}, { alg, ...head(await exportJWK(pair.publicKey)) }, pair.privateKey);
  };
  const hmac = (secret: string | Buffer) => {
    const text = `${encoded({ ...header, alg: 'HS256' })}.${encoded(claims)}`;
    return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
  };
  const bomb = deflateRawSync(Buffer.alloc(4_000_000)).toString('base64url');

  return {
    'alg none, as the library writes it': () => new UnsecuredJWT(claims).encode(),
    'alg none with our header': () => `${encoded({ ...header, alg: 'none' })}.${encoded(claims)}.`,
    'alg nOnE': () => `${encoded({ ...header, alg: 'nOnE' })}.${encoded(claims)}.`,
    'HS256 keyed by our public key': () => hmac(Buffer.from(publicJwk.x ?? '', 'base64url')),
    'HS256 keyed by our public key as PEM': () => hmac(publicPem),
    'HS256 keyed by our public key as JWK': () => hmac(JSON.stringify(publicJwk)),
    'HS256 keyed by nothing': () => hmac(''),
    'RS256 under our kid': () => own(() => ({}), 'RS256'),
    'ES256 under our kid': () => own(() => ({}), 'ES256'),
    'another key under our kid': () => own(() => ({})),
    'another key in jwk': () => own((jwk) => ({ jwk })),
    'another key in jwk, without kid': () => own((jwk) => ({ jwk, kid: undefined })),
    'a jku of the forger’s': () => own(() => ({ jku: 'http://127.0.0.1:1/keys.json', kid: 'theirs' })),
    'an x5u of the forger’s': () => own(() => ({ x5u: 'http://127.0.0.1:1/chain.pem', kid: 'theirs' })),
    'an unknown kid': () => sign({}, { kid: randomUUID() }),
    'a kid that names a file': () => sign({}, { kid: '../../../../../../dev/null' }),
    'a kid that is SQL': () => sign({}, { kid: "x' or '1'='1" }),
    'a kid that every object has': () => sign({}, { kid: '__proto__' }),
    'a kid that is a number': () => sign({}, { kid: 1 }),
    'a kid of 2 kB': () => sign({}, { kid: 'k'.repeat(2048) }),
    'no kid': () => sign({}, { kid: undefined }),
    'an unknown critical header': () =>
      new SignJWT(claims)
        .setProtectedHeader({ ...header, crit: ['olympus'], olympus: 1 })
        .sign(privateKey, { crit: { olympus: true } }),
    'an empty crit': async () => {
      const [, body, signature] = (await sign()).split('.');
      return `${encoded({ ...header, crit: [] })}.${body}.${signature}`;
    },
    expired: () => sign({ exp: seconds() - 1 }),
    'not yet valid': () => sign({ nbf: seconds() + 60 }),
    'no exp': () => sign({ exp: undefined }),
    'exp as text': () => sign({ exp: String(seconds() + 900) }),
    'another issuer': () => sign({ iss: 'https://evil.example' }),
    'no issuer': () => sign({ iss: undefined }),
    'another audience': () => sign({ aud: 'other' }),
    'no audience': () => sign({ aud: undefined }),
    'the type of an id token': () => sign({}, { typ: 'JWT' }),
    'no type': () => sign({}, { typ: undefined }),
    'no session': () => sign({ sid: undefined }),
    'a session of nobody': () => sign({ sid: randomUUID() }),
    'another tenant': () => sign({ tid: randomUUID(), sid: randomUUID() }),
    'a role that does not exist': () => sign({ role: 'emperor' }),
    'a refresh token': () => refreshToken,
    'a payload that is changed': async () => {
      const [head, , signature] = (await sign()).split('.');
      return `${head}.${encoded({ ...claims, role: 'owner', extra: 1 })}.${signature}`;
    },
    'a token of 9 KB': () => sign({ filler: 'x'.repeat(9 * 1024) }),
    'a zip header': () => sign({}, { zip: 'DEF' }, privateKey).then((token) => `${token}${bomb.slice(0, 100)}`),
    'an encrypted token that unpacks to 4 MB': () => {
      const head = encoded({ alg: 'dir', enc: 'A256GCM', zip: 'DEF', typ: 'at+jwt', kid });
      return `${head}..${'A'.repeat(16)}.${bomb}.${'A'.repeat(22)}`;
    },
    'a header nested 1,000 deep': () => `${encoded(`${'['.repeat(1000)}${']'.repeat(1000)}`)}.e30.AA`,
    'a part too many': async () => `${await sign()}.AA`,
    dots: () => '..',
  };
}

const encoded = (part: object | string): string =>
  Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url');
const withoutUndefined = <T extends object>(object: T) =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;
