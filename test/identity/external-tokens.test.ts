import { randomUUID } from 'node:crypto';
import type { OutputOf, contracts } from '@olympus/contracts';
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rest, startOlympus, type Olympus, type Session } from '../harness.ts';
import { startIssuer, type Issuer } from './issuer.ts';
import { startVerification, type Verification } from './verified.ts';

type Me = OutputOf<(typeof contracts.auth.me)['def']>;
let issuer: Issuer;
let mails: Verification;
let olympus: Olympus;
let owner: Session;
let tenant: string;

beforeAll(async () => {
  issuer = await startIssuer();
  mails = await startVerification();
  const { url, audience } = issuer;
  const common = { audience, algorithms: ['RS256'] };
  const claims = { tenant: 'org', role: 'roles' };
  const issuers = [
    { issuer: url, jwks: `${url}/jwks`, ...common, claims, users: 'verifiedEmail' },
    { issuer: `${url}/down`, jwks: `${url}/broken`, ...common },
    {
      issuer: 'legacy',
      introspection: { url: `${url}/me`, cacheSeconds: 30, timeoutMs: 500 },
      claims: { subject: 'user.id', email: 'user.email', emailVerified: 'user.verified' },
      users: 'verifiedEmail',
    },
  ];
  olympus = await startOlympus({ ...mails.env, OLYMPUS_EXTERNAL_ISSUERS: JSON.stringify(issuers) });
  owner = await olympus.tenant();
  await mails.verify(olympus.url, owner.user.email);
  tenant = (await me(owner.accessToken)).body.tenant.id;
});
afterAll(async () => {
  await olympus.close();
  await issuer.close();
  await mails.close();
});

const me = (token: string) => rest<Me>(olympus.url, { path: '/auth/me', token });
const call = (token: string) => rest<{ code: string }>(olympus.url, { path: '/auth/me', token });
async function employ(role: string, { verified = true, ...more }: { verified?: boolean; locationIds?: string[] } = {}) {
  const email = `${role}-${randomUUID()}@shop.test`;
  const body = { email, name: role, role, password: 'correct horse battery', ...more };
  const made = await rest<{ id: string }>(olympus.url, {
    method: 'POST',
    path: '/users',
    token: owner.accessToken,
    body,
  });
  if (verified) await mails.verify(olympus.url, email);
  return { id: made.body.id, email };
}
const says = (email: string, rest: object = {}) => ({
  sub: randomUUID(),
  email,
  email_verified: true,
  org: tenant,
  roles: ['owner'],
  ...rest,
});

describe('a token of another issuer', () => {
  test('is its user’s, by verified address at first and by subject ever after', async () => {
    const { id, email } = await employ('manager');
    const claims = says(email);
    const first = await me(await issuer.sign(claims));
    expect([first.status, first.body.user.id, first.body.user.role]).toEqual([200, id, 'manager']);
    const later = await me(await issuer.sign({ ...claims, email: 'changed@elsewhere.test', email_verified: false }));
    expect(later.body.user.id).toBe(id);
    // The address was given to somebody else meanwhile.
    expect((await call(await issuer.sign(says(email)))).status).toBe(401);
  });

  test('lowers the role and never raises it', async () => {
    const { email } = await employ('staff');
    const claims = says(email);
    const write = async (role: string) => {
      const token = await issuer.sign({ ...claims, roles: [role, 'unheard of'] });
      const customer = { method: 'POST', path: '/customers', token, body: { name: 'C' } };
      return [(await rest(olympus.url, customer)).status, (await rest(olympus.url, { path: '/users', token })).status];
    };
    expect(await write('owner')).toEqual([201, 403]);
    expect(await write('viewer')).toEqual([403, 403]);
  });

  test('links nobody who has not shown that the address is theirs', async () => {
    const { id, email } = await employ('staff', { verified: false });
    const token = await issuer.sign(says(email));
    expect((await call(token)).status).toBe(401);
    await mails.verify(olympus.url, email);
    await expect.poll(async () => (await me(token)).body.user?.id, { timeout: 1000, interval: 50 }).toBe(id);
  });

  test('is kept to the locations of its user', async () => {
    const add = async (path: string, body: object) => {
      const made = await rest<{ id: string }>(olympus.url, { method: 'POST', path, token: owner.accessToken, body });
      return made.body.id;
    };
    const productId = await add('/products', {
      sku: 'MUG',
      name: 'Mug',
      price: { amount: '1', currency: 'GBP' },
      stock: 9,
    });
    const [soho, bow] = [await add('/locations', { name: 'Soho' }), await add('/locations', { name: 'Bow' })];
    const { email } = await employ('staff', { locationIds: [soho] });
    const token = await issuer.sign(says(email));
    const order = async (locationId: string) => {
      const body = { items: [{ productId, quantity: 1 }], locationId };
      return (await rest<{ code?: string }>(olympus.url, { method: 'POST', path: '/orders', token, body })).body.code;
    };
    expect([await order(soho), await order(bow)]).toEqual([undefined, 'LOCATION_REFUSED']);
  });

  test('of a suspended tenant is told so within a second', async () => {
    const other = await olympus.tenant();
    await mails.verify(olympus.url, other.user.email);
    const org = (await me(other.accessToken)).body.tenant.id;
    const token = await issuer.sign({ ...says(other.user.email), org });
    expect((await call(token)).status).toBe(200);
    const admin = { email: `${randomUUID()}@olympus.test`, password: 'correct horse battery' };
    await olympus.app.createAdmin({ ...admin, name: 'Ada Admin' });
    const login = { method: 'POST', path: '/auth/login', body: admin };
    const platform = (await rest<Session>(olympus.url, login)).body.accessToken;
    const path = `/tenants/${org}/suspend`;
    await rest(olympus.url, { method: 'POST', path, token: platform, body: { reason: 'Unpaid' } });
    await expect
      .poll(async () => (await call(token)).body.code, { timeout: 1000, interval: 50 })
      .toBe('TENANT_SUSPENDED');
  });

  test('of a user of the platform is refused where the issuer gives roles', async () => {
    const email = `${randomUUID()}@olympus.test`;
    const admin = { email, password: 'correct horse battery' };
    await olympus.app.createAdmin({ ...admin, name: 'Ada Admin' });
    const { body } = await rest<Session>(olympus.url, { method: 'POST', path: '/auth/login', body: admin });
    const org = (await me(body.accessToken)).body.tenant.id;
    expect((await call(await issuer.sign({ ...says(email), org }))).status).toBe(401);
  });

  test('of a user who is deactivated is refused within a second', async () => {
    const { id, email } = await employ('staff');
    const token = await issuer.sign(says(email));
    expect((await call(token)).status).toBe(200);
    await rest(olympus.url, { method: 'DELETE', path: `/users/${id}`, token: owner.accessToken });
    await expect.poll(async () => (await call(token)).status, { timeout: 1000, interval: 50 }).toBe(401);
  });

  test('is refused where anything of it is not as configured', async () => {
    const { email } = await employ('staff');
    const claims = says(email);
    const base = { iss: issuer.url, aud: issuer.audience, exp: Math.floor(Date.now() / 1000) + 300, ...claims };
    const forged = async (alg: string, header: object = {}) => {
      const pair = await generateKeyPair(alg, { extractable: true });
      const jwk = await exportJWK(pair.publicKey);
      const given = { alg, typ: 'at+jwt', kid: 'theirs', ...header, ...('jwk' in header ? { jwk } : {}) };
      return new SignJWT(base).setProtectedHeader(given).sign(pair.privateKey);
    };
    const { sub: _, ...noSubject } = claims;
    const tokens = {
      'another audience': await issuer.sign({ ...claims, aud: 'other' }),
      'an issuer that nobody trusts': await issuer.sign({ ...claims, iss: 'https://evil.example' }),
      'the type of an id token': await issuer.sign(claims, { typ: 'JWT' }),
      expired: await issuer.sign({ ...claims, exp: Math.floor(Date.now() / 1000) - 60 }),
      'no exp': await issuer.sign({ ...claims, exp: undefined as never }),
      'not yet valid': await issuer.sign({ ...claims, nbf: Math.floor(Date.now() / 1000) + 60 }),
      'no subject': await issuer.sign(noSubject),
      'another tenant': await issuer.sign({ ...claims, org: randomUUID() }),
      'no tenant': await issuer.sign({ ...claims, org: undefined }),
      'no role that is known': await issuer.sign({ ...claims, roles: ['emperor'] }),
      'an address that is not verified': await issuer.sign({ ...claims, email_verified: 'true' }),
      'an address of nobody': await issuer.sign(says(`nobody-${randomUUID()}@shop.test`)),
      'another key': await forged('RS256'),
      'another algorithm': await forged('ES256'),
      'a jwk in the header': await forged('RS256', { jwk: true, kid: undefined }),
      'a jku in the header': await forged('RS256', { jku: `${issuer.url}/evil`, kid: 'evil' }),
      'no signature': new UnsecuredJWT(base).encode(),
      HS256: await new SignJWT(base)
        .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid: 'theirs' })
        .sign(new TextEncoder().encode(JSON.stringify(claims).padEnd(64))),
    };
    for (const [name, token] of Object.entries(tokens)) {
      const { status, body } = await call(token);
      expect([status, body.code], name).toEqual([401, 'UNAUTHENTICATED']);
    }
    expect(issuer.asked.has('/evil')).toBe(false);
    expect((await call(await issuer.sign(claims))).status).toBe(200);
  });

  test('with an unknown key asks for the keys once, however many come', async () => {
    await call(await issuer.sign(says(owner.user.email)));
    const before = issuer.asked.get('/jwks') ?? 0;
    const tokens = await Promise.all(
      Array.from({ length: 200 }, (_, n) => issuer.sign(says(owner.user.email), { kid: `unknown-${n}` })),
    );
    const answers = await Promise.all(tokens.map(call));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]));
    expect((issuer.asked.get('/jwks') ?? 0) - before).toBeLessThanOrEqual(1);
  });

  test('is no bad one because its issuer’s keys cannot be had, and the issuer is left alone', async () => {
    const token = await issuer.sign({ ...says(owner.user.email), iss: `${issuer.url}/down` });
    const start = performance.now();
    for (let turn = 0; turn < 30; turn++) {
      const { body, headers } = await call(token);
      expect([body.code, headers.get('retry-after')]).toEqual(['UNAVAILABLE', '1']);
    }
    const seconds = (performance.now() - start) / 1000;
    expect(issuer.asked.get('/broken')).toBeLessThanOrEqual(1 + seconds);
  });
});

describe('an opaque token of another service', () => {
  const json =
    (body: unknown): Issuer['answer'] =>
    (_, response) =>
      void response.setHeader('content-type', 'application/json').end(JSON.stringify(body));
  const asks = () => issuer.asked.get('/me') ?? 0;

  test('is whose the service says, and it is asked once', async () => {
    const { id, email } = await employ('staff');
    const seen: (string | undefined)[] = [];
    issuer.answer = (request, response) => {
      seen.push(request.headers.authorization);
      json({ user: { id: 7, email, verified: true } })(request, response);
    };
    const token = randomUUID();
    const answers = await Promise.all(Array.from({ length: 20 }, () => me(token)));
    expect(new Set(answers.map(({ body }) => body.user.id))).toEqual(new Set([id]));
    expect(seen).toEqual([`Bearer ${token}`]);
  });

  test('that the service refuses is refused, and it is asked once', async () => {
    for (const answer of [
      ((_, response) => void response.writeHead(401).end()) as Issuer['answer'],
      json({ active: false }),
      json({ user: { id: 8, email: owner.user.email } }),
      json([]),
    ]) {
      issuer.answer = answer;
      const before = asks();
      const token = randomUUID();
      for (let turn = 0; turn < 5; turn++) expect((await call(token)).status).toBe(401);
      expect(asks() - before).toBe(1);
    }
  });

  test('is no bad one because the service fails, whatever it answers', async () => {
    const answers: Record<string, Issuer['answer']> = {
      'an error': (_, response) => void response.writeHead(500).end(),
      'a redirect': (_, response) => void response.writeHead(302, { location: `${issuer.url}/metadata` }).end(),
      'no JSON': (_, response) => void response.end('<html>'),
      'a megabyte': (_, response) => void response.end(JSON.stringify('x'.repeat(1_000_000))),
      nothing: () => undefined,
      'a broken connection': (request) => void request.socket.destroy(),
    };
    for (const [name, answer] of Object.entries(answers)) {
      issuer.answer = answer;
      const { status, body } = await call(randomUUID());
      expect([status, body.code], name).toEqual([503, 'UNAVAILABLE']);
    }
    expect(issuer.asked.has('/metadata')).toBe(false);
  });

  test('never carries a credential of ours there', async () => {
    const before = asks();
    expect((await call(owner.accessToken)).status).toBe(200);
    expect((await call(owner.refreshToken)).status).toBe(401);
    expect((await call(`${owner.accessToken}x`)).status).toBe(401);
    expect(asks()).toBe(before);
  });
});
