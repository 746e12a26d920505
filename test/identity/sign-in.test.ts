import { randomUUID } from 'node:crypto';
import { createOlympus } from '@olympus/client';
import type { OutputOf, contracts } from '@olympus/contracts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createStore, registerTenant, rest, startOlympus, type Olympus, type Session, type Store } from '../harness.ts';
import { startProvider, type OpenIdProvider } from './provider.ts';
import { startVerification, type Verification } from './verified.ts';

type Started = OutputOf<(typeof contracts.signIn.start)['def']>;
type Me = OutputOf<(typeof contracts.auth.me)['def']>;
type Refusal = { code: string };

const redirectUri = 'https://shop.test/back';
let provider: OpenIdProvider;
let mails: Verification;
let store: Store;
let olympus: Olympus;
let owner: Session;
let tenant: string;

beforeAll(async () => {
  provider = await startProvider([redirectUri, 'https://shop.test/other']);
  mails = await startVerification();
  store = await createStore();
  // The configuration names a tenant, which must be there first.
  const before = await startOlympus(store.env);
  owner = await registerTenant(before.url);
  tenant = (await rest<Me>(before.url, { path: '/auth/me', token: owner.accessToken })).body.tenant.id;
  await before.close();
  const { issuer, client } = provider;
  const base = { issuer, clientId: client.id, clientSecret: client.secret, redirectUris: [redirectUri] };
  const providers = [
    { ...base, id: 'strict', name: 'Linked people only' },
    { ...base, id: 'linking', name: 'People with our addresses', linkByEmail: true },
    { ...base, id: 'open', name: 'Everybody', newUsers: { tenant, role: 'staff' } },
    { ...base, id: 'down', name: 'Out of order', issuer: `${issuer}/nowhere` },
    { ...base, id: 'secretless', name: 'With a wrong secret', clientSecret: 'wrong', linkByEmail: true },
  ];
  olympus = await startOlympus({ ...store.env, ...mails.env, OLYMPUS_SIGN_IN_PROVIDERS: JSON.stringify(providers) });
}, 120_000);
afterAll(async () => {
  await olympus.close();
  await provider.close();
  await mails.close();
  await store.remove();
});

const post = <T>(path: string, body: unknown) => rest<T>(olympus.url, { method: 'POST', path, body });
const start = async (id: string) => (await post<Started>('/sign-in/start', { provider: id, redirectUri })).body;
const finish = <T = Session>(body: object) => post<T>('/sign-in/finish', body);
/** What a client sends to finish. */
const answerOf = (back: URL, { state }: Started) => ({
  code: back.searchParams.get('code'),
  iss: back.searchParams.get('iss'),
  state,
});
async function signIn<T = Session>(id: string, login: string) {
  const started = await start(id);
  const answer = answerOf(await provider.visit(started.authorizationUrl, login), started);
  return finish<T>({ ...answer, device: 'Till 2' });
}
function somebody(claims: object = {}) {
  const login = randomUUID();
  const email = `${login}@people.test`;
  provider.people.set(login, { email, email_verified: true, name: 'Ada', ...claims });
  return { login, email };
}
async function employ(email: string) {
  const body = { email, name: 'Emma', role: 'manager', password: 'correct horse battery' };
  return (await rest<{ id: string }>(olympus.url, { method: 'POST', path: '/users', token: owner.accessToken, body }))
    .body;
}
const codeOf = ({ status, body }: { status: number; body: Refusal }) => [status, body.code];

test('the providers are told to everybody, without what is secret', async () => {
  const { status, body } = await rest<{ items: object[] }>(olympus.url, { path: '/sign-in/providers' });
  expect([status, body.items[0]]).toEqual([200, { id: 'strict', name: 'Linked people only' }]);
  expect(JSON.stringify(body)).not.toContain(provider.client.secret);
});

describe('whose account it is', () => {
  test('somebody new becomes a user where the configuration says so, and is the same one ever after', async () => {
    const { login, email } = somebody();
    const first = await signIn('open', login);
    expect([first.status, first.body.user]).toMatchObject([200, { email, name: 'Ada', role: 'staff' }]);
    expect(first.body.expiresIn).toBe(900);
    const { body: me } = await rest<Me>(olympus.url, { path: '/auth/me', token: first.body.accessToken });
    expect(me.tenant.id).toBe(tenant);
    expect(me.emailVerifiedAt).not.toBeNull();
    const devices = await rest<{ items: { device: string }[] }>(olympus.url, {
      path: '/auth/sessions',
      token: first.body.accessToken,
    });
    expect(devices.body.items.map(({ device }) => device)).toEqual(['Till 2']);
    provider.people.set(login, { email: 'moved@people.test', email_verified: false });
    expect((await signIn('strict', login)).body.user.id).toBe(first.body.user.id);
    const renewed = await post<Session>('/auth/refresh', { refreshToken: first.body.refreshToken });
    expect(renewed.body.user.id).toBe(first.body.user.id);
    const byPassword = await post<Refusal>('/auth/login', { email, password: 'any' });
    expect(codeOf(byPassword)).toEqual([401, 'INVALID_CREDENTIALS']);
  });

  test('an address links an existing user only where that is allowed and the provider has verified it', async () => {
    const { login, email } = somebody();
    const user = await employ(email);
    expect(codeOf(await signIn<Refusal>('strict', login))).toEqual([403, 'NO_ACCOUNT']);
    expect(codeOf(await signIn<Refusal>('open', login))).toEqual([403, 'NO_ACCOUNT']);
    provider.people.set(login, { email, email_verified: false });
    expect(codeOf(await signIn<Refusal>('linking', login))).toEqual([403, 'NO_ACCOUNT']);
    provider.people.set(login, { email: email.toUpperCase(), email_verified: true });
    // Whoever opened the account may have done so with another's address.
    expect(codeOf(await signIn<Refusal>('linking', login))).toEqual([403, 'NO_ACCOUNT']);
    await mails.verify(olympus.url, email);
    expect((await signIn('linking', login)).body.user).toMatchObject({ id: user.id, role: 'manager' });
    // Another person with the same address does not get the user of the first.
    const other = somebody({ email });
    expect(codeOf(await signIn<Refusal>('linking', other.login))).toEqual([403, 'NO_ACCOUNT']);
  });

  test('the platform’s users are linked by no address, however well it is verified', async () => {
    const { login, email } = somebody();
    const admin = { email, name: 'Ada Admin', password: 'correct horse battery' };
    await olympus.app.createAdmin(admin);
    await mails.verify(olympus.url, email);
    for (const id of ['linking', 'open']) expect(codeOf(await signIn<Refusal>(id, login))).toEqual([403, 'NO_ACCOUNT']);
    expect((await post<Session>('/auth/login', { email, password: admin.password })).body.user.role).toBe(
      'super_admin',
    );
  });

  test('somebody without a verified address is not added', async () => {
    expect(codeOf(await signIn<Refusal>('open', somebody({ email_verified: false }).login))).toEqual([
      403,
      'NO_ACCOUNT',
    ]);
    expect(codeOf(await signIn<Refusal>('linking', somebody().login))).toEqual([403, 'NO_ACCOUNT']);
  });

  test('a user who is deactivated stays out', async () => {
    const { login } = somebody();
    const { body } = await signIn('open', login);
    const path = `/users/${body.user.id}`;
    await rest(olympus.url, { method: 'DELETE', path, token: owner.accessToken });
    for (const id of ['strict', 'linking', 'open'])
      expect(codeOf(await signIn<Refusal>(id, login)), id).toEqual([403, 'NO_ACCOUNT']);
  });

  test('of two sign-ins of somebody new at once, both are the same user', async () => {
    const { login } = somebody();
    const [a, b] = await Promise.all([signIn('open', login), signIn('open', login)]);
    expect([a.status, b.status]).toEqual([200, 200]);
    expect(a.body.user.id).toBe(b.body.user.id);
  });
});

describe('what is refused', () => {
  test('an address to return to that is not configured, and a provider that is not', async () => {
    for (const uri of ['https://shop.test/other', `${redirectUri}/`, `${redirectUri}?x`, 'https://evil.test/back']) {
      const { status, body } = await post<Refusal & { errors: { field: string }[] }>('/sign-in/start', {
        provider: 'open',
        redirectUri: uri,
      });
      expect([status, body.code, body.errors[0]?.field], uri).toEqual([400, 'INVALID_INPUT', 'redirectUri']);
    }
    const unknown = await post<Refusal>('/sign-in/start', { provider: 'nobody', redirectUri });
    expect(codeOf(unknown)).toEqual([404, 'SIGN_IN_PROVIDER_NOT_FOUND']);
  });

  test('a state that was used, even by a failure', async () => {
    const { login } = somebody();
    const started = await start('open');
    const answer = answerOf(await provider.visit(started.authorizationUrl, login), started);
    expect((await finish(answer)).status).toBe(200);
    expect(codeOf(await finish<Refusal>(answer))).toEqual([401, 'INVALID_SIGN_IN']);
    const second = await start('open');
    const good = answerOf(await provider.visit(second.authorizationUrl, login), second);
    expect(codeOf(await finish<Refusal>({ ...good, code: 'wrong' }))).toEqual([401, 'INVALID_SIGN_IN']);
    expect(codeOf(await finish<Refusal>(good))).toEqual([401, 'INVALID_SIGN_IN']);
  });

  test('what the address alone tells: its state is not the client’s', async () => {
    const { login } = somebody();
    const started = await start('open');
    const back = await provider.visit(started.authorizationUrl, login);
    const shown = back.searchParams.get('state') ?? '';
    expect(shown).not.toBe(started.state);
    expect(codeOf(await finish<Refusal>({ ...answerOf(back, started), state: shown }))).toEqual([
      401,
      'INVALID_SIGN_IN',
    ]);
    expect((await finish(answerOf(back, started))).status).toBe(200);
  });

  test('the code of another’s sign-in, given to a victim’s', async () => {
    const attacker = await start('open');
    const back = await provider.visit(attacker.authorizationUrl, somebody().login);
    const victim = await start('open');
    expect(codeOf(await finish<Refusal>(answerOf(back, victim)))).toEqual([401, 'INVALID_SIGN_IN']);
  });

  test('an answer that names another issuer, or none though the provider always does', async () => {
    for (const iss of ['https://evil.test', undefined]) {
      const started = await start('open');
      const back = await provider.visit(started.authorizationUrl, somebody().login);
      expect(codeOf(await finish<Refusal>({ ...answerOf(back, started), iss }))).toEqual([401, 'INVALID_SIGN_IN']);
    }
  });
});

test('people of a suspended tenant are told so', async () => {
  const { login } = somebody();
  expect((await signIn('open', login)).status).toBe(200);
  const admin = { email: `${randomUUID()}@olympus.test`, password: 'correct horse battery' };
  await olympus.app.createAdmin({ ...admin, name: 'Ada Admin' });
  const token = (await post<Session>('/auth/login', admin)).body.accessToken;
  const turn = (path: string, body: object) =>
    rest(olympus.url, { method: 'POST', path: `/tenants/${tenant}/${path}`, token, body });
  expect((await turn('suspend', { reason: 'Unpaid' })).status).toBe(200);
  expect(codeOf(await signIn<Refusal>('open', login))).toEqual([403, 'TENANT_SUSPENDED']);
  expect(codeOf(await signIn<Refusal>('open', somebody().login))).toEqual([403, 'TENANT_SUSPENDED']);
  expect((await turn('resume', {})).status).toBe(200);
  expect((await signIn('open', login)).status).toBe(200);
});

test('the client takes the session and goes on with it', async () => {
  const api = createOlympus({ url: olympus.url });
  const { items } = await api.signIn.providers.query();
  expect(items.map(({ id }) => id)).toContain('open');
  const { authorizationUrl, state } = await api.signIn.start.mutate({ provider: 'open', redirectUri });
  const { login, email } = somebody();
  const back = (await provider.visit(authorizationUrl, login)).searchParams;
  const { user } = await api.signIn.finish.mutate({ code: back.get('code') ?? '', iss: back.get('iss') ?? '', state });
  expect(user.email).toBe(email);
  expect((await api.auth.me.query()).user).toEqual(user);
});

test('a provider that is down, or does not know us, is nobody’s fault here', async () => {
  const down = await post<Refusal>('/sign-in/start', { provider: 'down', redirectUri });
  expect(codeOf(down)).toEqual([503, 'UNAVAILABLE']);
  expect(codeOf(await signIn<Refusal>('secretless', somebody().login))).toEqual([503, 'UNAVAILABLE']);
});
