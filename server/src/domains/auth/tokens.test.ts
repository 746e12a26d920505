import { createHmac, randomUUID } from 'node:crypto';
import {
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  SignJWT,
  UnsecuredJWT,
  type JWK,
  type JWTHeaderParameters,
} from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import { randomIds } from '../../platform/ids.ts';
import type { SigningKeys } from '../../platform/signing-keys.ts';
import { createAccessTokens, type AccessTokens, type Grant } from './tokens.ts';

const grant: Grant = {
  userId: randomUUID(),
  tenantId: randomUUID(),
  sessionId: randomUUID(),
  role: 'manager',
  timeZone: 'Europe/London',
  currency: 'GBP',
};
let now = new Date('2030-01-01T12:00:00Z');
const clock = { now: () => now };
let pair: Awaited<ReturnType<typeof generateKeyPair>>;
let kid: string;
let publicJwk: JWK;
let keys: SigningKeys;
let tokens: AccessTokens;

beforeAll(async () => {
  pair = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  publicJwk = await exportJWK(pair.publicKey);
  kid = await calculateJwkThumbprint(publicJwk);
  const key = { kid, algorithm: 'EdDSA', ...pair } as const;
  const find = (name: string) => (name === kid ? key : undefined);
  keys = {
    signer: () => key,
    find,
    findAfresh: async (name) => find(name),
    published: () => ({ keys: [{ ...publicJwk, kid }] }),
  };
  tokens = createAccessTokens({ keys, clock, ids: randomIds, issuer: 'olympus', lifetimeSeconds: 900 });
});

const seconds = () => Math.floor(now.getTime() / 1000);
const claims = () => ({
  iss: 'olympus',
  aud: 'olympus',
  sub: grant.userId,
  tid: grant.tenantId,
  sid: grant.sessionId,
  role: 'owner',
  jti: randomUUID(),
  iat: seconds(),
  exp: seconds() + 900,
});
/** A token like ours but for what is overridden; undefined leaves a claim out. */
const sign = (claim: object = {}, header: Partial<JWTHeaderParameters> = {}, key = pair.privateKey) =>
  new SignJWT({ ...claims(), ...claim }).setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid, ...header }).sign(key);

test('a token of ours tells whose it is until it expires', async () => {
  const token = await tokens.issue(grant);
  const { userId, tenantId, sessionId, role } = grant;
  const expected = { userId, tenantId, sessionId, role, actor: null, expiresAt: now.getTime() + 900_000 };
  expect(await tokens.verify(token)).toEqual(expected);
  expect(await tokens.verify(token)).toEqual(expected);
  const issued = now;
  now = new Date(issued.getTime() + 900_000);
  expect(await tokens.verify(token)).toBeNull();
  now = issued;
  const payload = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as object;
  expect(payload).toMatchObject({
    iss: 'olympus',
    aud: 'olympus',
    tz: 'Europe/London',
    cur: 'GBP',
    jti: expect.any(String),
  });
});

test('the token that attacks start from is good', async () => {
  expect(await tokens.verify(await sign())).toMatchObject({ role: 'owner' });
});

describe('refused', () => {
  const otherPair = generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const hmac = (secret: Buffer, alg = 'HS256') => {
    const head = Buffer.from(JSON.stringify({ alg, typ: 'at+jwt', kid })).toString('base64url');
    const body = Buffer.from(JSON.stringify(claims())).toString('base64url');
    return `${head}.${body}.${createHmac('sha256', secret).update(`${head}.${body}`).digest('base64url')}`;
  };
  const attacks: Record<string, () => string | Promise<string>> = {
    'no signature (alg none)': () => new UnsecuredJWT(claims()).encode(),
    'alg none with our header': async () => {
      const [, body] = (await sign()).split('.');
      const head = Buffer.from(JSON.stringify({ alg: 'none', typ: 'at+jwt', kid })).toString('base64url');
      return `${head}.${body}.`;
    },
    'HS256 with the public key as secret': () => hmac(Buffer.from(publicJwk.x!, 'base64url')),
    'HS256 with the public key as text': () => hmac(Buffer.from(JSON.stringify({ ...publicJwk, kid }))),
    'another key under our kid': async () => sign({}, {}, (await otherPair).privateKey),
    'another key in the jwk header': async () => {
      const { privateKey, publicKey } = await otherPair;
      return sign({}, { jwk: await exportJWK(publicKey) }, privateKey);
    },
    'another key in jwk and no kid': async () => {
      const { privateKey, publicKey } = await otherPair;
      return new SignJWT(claims())
        .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', jwk: await exportJWK(publicKey) })
        .sign(privateKey);
    },
    'a jku': async () => sign({}, { jku: 'http://127.0.0.1/keys', kid: 'x' }, (await otherPair).privateKey),
    'no kid': () => new SignJWT(claims()).setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt' }).sign(pair.privateKey),
    'an unknown kid': () => sign({}, { kid: 'other' }),
    'a kid that names a file': () => sign({}, { kid: '../../../../dev/null' }),
    'a kid that names a member of every object': () => sign({}, { kid: '__proto__' }),
    'a kid of 2 kB': () => sign({}, { kid: 'k'.repeat(2048) }),
    'a token of 9 KB': () => sign({ filler: 'x'.repeat(9 * 1024) }),
    'an unknown critical header': () =>
      new SignJWT(claims())
        .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid, crit: ['olympus'], olympus: 1 })
        .sign(pair.privateKey, { crit: { olympus: true } }),
    'an expired one': () => sign({ exp: seconds() - 1 }),
    'one that expires now': () => sign({ exp: seconds() }),
    'one that is not valid yet': () => sign({ nbf: seconds() + 60 }),
    'no exp': () => sign({ exp: undefined }),
    'exp as text': () => sign({ exp: String(seconds() + 900) }),
    'another issuer': () => sign({ iss: 'https://evil.example' }),
    'no issuer': () => sign({ iss: undefined }),
    'another audience': () => sign({ aud: 'other' }),
    'no audience': () => sign({ aud: undefined }),
    'the type of an id token': () => sign({}, { typ: 'JWT' }),
    'no type': async () => {
      return new SignJWT(claims()).setProtectedHeader({ alg: 'EdDSA', kid }).sign(pair.privateKey);
    },
    'no subject': () => sign({ sub: undefined }),
    'a subject that is no id': () => sign({ sub: "' or true" }),
    'no session': () => sign({ sid: undefined }),
    'no tenant': () => sign({ tid: undefined }),
    'a role that does not exist': () => sign({ role: 'emperor' }),
    'a refresh token': () => `olr_${'a'.repeat(43)}`,
    'a changed payload': async () => {
      const [head, , signature] = (await sign()).split('.');
      const body = Buffer.from(JSON.stringify({ ...claims(), tid: randomUUID() })).toString('base64url');
      return `${head}.${body}.${signature}`;
    },
    'a part too many': async () => `${await sign()}.x`,
    nothing: () => '',
    dots: () => '..',
  };
  test.each(Object.entries(attacks))('%s', async (_, forge) => {
    expect(await tokens.verify(await forge())).toBeNull();
  });
});
