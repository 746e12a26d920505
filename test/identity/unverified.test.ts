import { createOlympus } from '@olympus/client';
import { contracts, contractsOf, permissionsOfUnverified, type Permission } from '@olympus/contracts';
import { startMailbox, tokenOf, type Mailbox } from '@olympus/server/platform/mailbox-testing.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { rest, startOlympus, type Olympus, type Session } from '../harness.ts';

type Refusal = { code: string; detail: string };

const password = 'correct horse battery';
let olympus: Olympus;
let mailbox: Mailbox;
beforeAll(async () => {
  mailbox = await startMailbox();
  olympus = await startOlympus({
    SMTP_URL: mailbox.url,
    MAIL_FROM: 'no-reply@olympus.test',
    OLYMPUS_REQUIRE_VERIFIED_EMAIL: 'on',
  });
}, 120_000);
afterAll(async () => {
  await olympus.close();
  await mailbox.close();
});

const call = <T = Refusal>({ accessToken: token }: { accessToken: string }, path: string, body?: unknown) =>
  rest<T>(olympus.url, { path, token, ...(body === undefined ? {} : { method: 'POST', body }) });
const open = (token: string) =>
  rest(olympus.url, { method: 'POST', path: '/account/email-verification', body: { token } });
const verify = async (email: string) => open(tokenOf(await mailbox.next(email)));
const login = (email: string) =>
  rest<Session & Refusal>(olympus.url, { method: 'POST', path: '/auth/login', body: { email, password } });
const held = 'The e-mail address must be verified first, by the link of the mail';

test('who registers reaches nothing but their own account until the link of the mail is opened', async () => {
  const owner = await olympus.tenant();
  const { email } = owner.user;
  const me = () => call<{ permissions: string[]; emailVerifiedAt: string | null }>(owner, '/auth/me');
  expect((await me()).body).toMatchObject({ emailVerifiedAt: null, permissions: [...permissionsOfUnverified] });
  const refused = [
    await call(owner, '/orders'),
    await call(owner, '/users'),
    await call(owner, '/products', { sku: 'A', name: 'A', price: { amount: '1.00', currency: 'GBP' } }),
    await call(owner, '/api-keys', { name: 'A key', scopes: ['orders:read'] }),
  ];
  for (const { status, body } of refused) expect([status, body.code, body.detail]).toEqual([403, 'FORBIDDEN', held]);
  expect((await login(email)).body.code).toBe('EMAIL_NOT_VERIFIED');
  const { body: renewed } = await rest<Session>(olympus.url, {
    method: 'POST',
    path: '/auth/refresh',
    body: { refreshToken: owner.refreshToken },
  });
  expect((await call(renewed, '/orders')).body.detail).toBe(held);

  expect((await verify(email)).status).toBe(204);
  await expect.poll(async () => (await call(renewed, '/orders')).status, { timeout: 1000 }).toBe(200);
  expect((await call(renewed, '/api-keys', { name: 'A key', scopes: ['orders:read'] })).status).toBe(201);
  expect((await login(email)).status).toBe(200);
});

test('no procedure that needs more than the own account answers them', async () => {
  const owner = await olympus.tenant();
  const mine: ReadonlySet<Permission> = permissionsOfUnverified;
  for (const { path, contract } of contractsOf(contracts)) {
    const { access } = contract.def;
    if (access === 'public' || mine.has(access)) continue;
    const answer = await fetch(`${olympus.url}/trpc/${path}`, {
      method: contract.kind === 'mutation' ? 'POST' : 'GET',
      headers: { authorization: `Bearer ${owner.accessToken}`, 'content-type': 'application/json' },
      ...(contract.kind === 'mutation' && { body: '{"json":{}}' }),
    });
    const text = await answer.text();
    expect(text, path).toContain('FORBIDDEN');
  }
});

test('a mistyped address is put right, and only the right one is verified', async () => {
  const owner = await olympus.tenant();
  const right = `right-${owner.user.email}`;
  const stale = tokenOf(await mailbox.next(owner.user.email));
  const { status } = await rest(olympus.url, {
    method: 'PATCH',
    path: `/users/${owner.user.id}`,
    token: owner.accessToken,
    body: { email: right },
  });
  expect(status).toBe(200);
  expect((await open(stale)).status).toBe(400);
  await rest(olympus.url, { method: 'POST', path: '/account/email-verification/request', body: { email: right } });
  expect((await verify(right)).status).toBe(204);
  await expect.poll(async () => (await call(owner, '/orders')).status, { timeout: 1000 }).toBe(200);
});

test('the client goes on with the session that it registered', async () => {
  const api = createOlympus({ url: olympus.url });
  const email = `client-${Date.now()}@shop.test`;
  await api.auth.register.mutate({ tenant: 'Shop', name: 'Olive', email, password });
  await expect(api.orders.list.query({})).rejects.toMatchObject({ failure: { code: 'FORBIDDEN', detail: held } });
  await verify(email);
  await expect
    .poll(async () => (await api.orders.list.query({}).catch(() => null))?.items, { timeout: 2000 })
    .toEqual([]);
});
