import { isFailure, memorySession, type OlympusError } from '@olympus/client';
import { URI, type TOTP } from 'otpauth';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openStore, password, pathsOf, registration, setUp, type Setup } from './support.ts';

let setup: Setup;
beforeAll(async () => {
  setup = await setUp();
});
afterAll(() => setup.close());

const failureOf = async (call: Promise<unknown>): Promise<OlympusError> => {
  const error: unknown = await call.catch((cause: unknown) => cause);
  if (!isFailure(error)) throw new Error('it did not fail as a call', { cause: error });
  return error;
};
/** Makes the client believe that its token is about to expire. */
const expire = (store: ReturnType<typeof openStore>) => {
  if (store.session) store.session.expiresAt = Date.now();
};

test('register, login and logout change the session', async () => {
  const store = openStore();
  const api = setup.stranger({ session: store });
  const account = registration();
  const registered = await api.auth.register.mutate(account);
  expect(store.session).toMatchObject({ refreshToken: registered.refreshToken });
  expect((await api.auth.me.query()).user.email).toBe(account.email);

  await api.auth.logout.mutate({});
  expect(store.session).toBeNull();
  expect((await failureOf(api.auth.me.query())).failure.code).toBe('UNAUTHENTICATED');

  const { user } = await api.auth.login.mutate({ email: account.email, password });
  expect((await api.$session())?.user).toEqual(user);
  expect((await api.auth.me.query()).user).toEqual(user);
});

test('a refused login leaves the session as it was', async () => {
  const store = openStore();
  const api = await setup.client({ session: store });
  const before = store.session;
  const error = await failureOf(api.auth.login.mutate({ email: 'nobody@shop.test', password: 'wrong' }));
  expect(error.failure.code).toBe('INVALID_CREDENTIALS');
  expect(store.session).toBe(before);
});

test('an explicit refresh changes the session; ending another session does not', async () => {
  const store = openStore();
  const api = await setup.client({ session: store });
  const first = store.session;
  await api.auth.refresh.mutate({ refreshToken: first?.refreshToken ?? '' });
  expect(store.session?.refreshToken).not.toBe(first?.refreshToken);

  const other = await setup.client({ session: memorySession() });
  const { refreshToken = '' } = (await other.$session()) ?? {};
  await api.auth.logout.mutate({ refreshToken });
  expect(store.session).not.toBeNull();
});

test('many calls about to meet the expiry share one refresh, which comes first', async () => {
  const store = openStore();
  const api = await setup.client({ session: store, batch: false });
  const { accessToken } = store.session ?? {};
  expire(store);
  await Promise.all(Array.from({ length: 20 }, () => api.orders.list.query({})));
  const paths = pathsOf(setup.proxy);
  expect(paths.filter((path) => path === 'auth.refresh')).toHaveLength(1);
  expect(paths[0]).toBe('auth.refresh');
  expect(store.session?.accessToken).not.toBe(accessToken);
  const [refresh] = setup.proxy.seen;
  expect(refresh?.headers.authorization).toBeUndefined();
});

test('calls that meet a 401 share one refresh and are made again', async () => {
  const store = openStore();
  const api = await setup.client({ session: store, batch: false });
  if (store.session) store.session.accessToken += 'x';
  const lists = await Promise.all(Array.from({ length: 10 }, () => api.orders.list.query({})));
  expect(lists).toHaveLength(10);
  expect(pathsOf(setup.proxy).filter((path) => path === 'auth.refresh')).toHaveLength(1);
  expect(pathsOf(setup.proxy).filter((path) => path === 'orders.list')).toHaveLength(20);
});

test('a refused refresh ends the session once, and calls say so', async () => {
  const store = openStore();
  const onSessionEnd = vi.fn();
  const api = await setup.client({ session: store, onSessionEnd, batch: false });
  if (store.session) store.session.refreshToken = 'olr_of-nobody';
  expire(store);
  const errors = await Promise.all([failureOf(api.orders.list.query({})), failureOf(api.auth.me.query())]);
  for (const { failure, cause } of errors) {
    expect(failure).toMatchObject({ code: 'UNAUTHENTICATED', status: 401 });
    expect(isFailure(cause, 'INVALID_REFRESH_TOKEN')).toBe(true);
  }
  expect(store.session).toBeNull();
  expect(onSessionEnd).toHaveBeenCalledTimes(1);
});

test('a refresh that the network swallows ends nothing', async () => {
  const store = openStore();
  const onSessionEnd = vi.fn();
  const api = await setup.client({ session: store, onSessionEnd, retries: 0 });
  setup.proxy.fail('auth.refresh', { cut: 'request' });
  expire(store);
  expect((await failureOf(api.auth.me.query())).failure.code).toBe('NETWORK');
  expect(store.session).not.toBeNull();
  expect(onSessionEnd).not.toHaveBeenCalled();
  expect((await api.auth.me.query()).user.email).toBe(store.session?.user.email);
});

test('a token that still lasts serves while none can be had', async () => {
  const store = openStore();
  const api = await setup.client({ session: store, retries: 0 });
  if (store.session) store.session.expiresAt = Date.now() + 10_000;
  setup.proxy.fail('auth.refresh', { answer: { status: 503 } });
  await api.auth.me.query();
  expect(pathsOf(setup.proxy)).toEqual(['auth.refresh', 'auth.me']);
});

test('two clients that share a store take each other’s renewal', async () => {
  const store = openStore();
  const first = await setup.client({ session: store });
  const second = setup.stranger({ session: store });
  expire(store);
  await Promise.all([first.auth.me.query(), second.auth.me.query()]);
  expect(store.session).not.toBeNull();
  await Promise.all([first.auth.me.query(), second.auth.me.query()]);
});

test('a login while a refresh is under way is not undone by it', async () => {
  const store = openStore();
  const api = await setup.client({ session: store });
  const account = registration();
  await setup.stranger().auth.register.mutate(account);
  setup.proxy.fail('auth.refresh', { delayMs: 300 });
  expire(store);
  const me = api.auth.me.query();
  await api.auth.login.mutate({ email: account.email, password });
  await me;
  expect(store.session?.user.email).toBe(account.email);
});

test('a changed password leaves the client signed in', async () => {
  const store = openStore();
  const api = await setup.client({ session: store });
  const before = store.session;
  const newPassword = 'another good password';
  await api.account.changePassword.mutate({ currentPassword: password, newPassword });
  expect(store.session).toBe(before);
  expect((await api.auth.me.query()).user.id).toBe(before?.user.id);
  expire(store);
  expect((await api.auth.me.query()).user.email).toBe(before?.user.email);
});

test('who forgot the password needs no session, and what is left of one does not stand in the way', async () => {
  const store = openStore();
  const api = await setup.client({ session: store });
  const { user } = store.session ?? {};
  const other = setup.stranger();
  await other.auth.login.mutate({ email: user?.email ?? '', password });
  await other.auth.sessions.revokeOthers.mutate();
  for (const client of [api, setup.stranger()]) {
    await client.account.requestPasswordReset.mutate({ email: user?.email ?? '' });
    await client.account.requestEmailVerification.mutate({ email: user?.email ?? '' });
    const reset = client.account.resetPassword.mutate({ token: 'invented', newPassword: 'another good password' });
    expect((await failureOf(reset)).failure.code).toBe('INVALID_LINK');
    expect((await failureOf(client.account.verifyEmail.mutate({ token: 'invented' }))).failure.code).toBe(
      'INVALID_LINK',
    );
  }
});

test('a code of the second factor goes with the sign-in', async () => {
  const api = await setup.client();
  const { user } = (await api.$session()) ?? {};
  const { uri } = await api.account.totp.enroll.mutate({ password });
  const code = (steps: number) => (URI.parse(uri) as TOTP).generate({ timestamp: Date.now() + steps * 30_000 });
  const { recoveryCodes } = await api.account.totp.confirm.mutate({ code: code(0) });
  const stranger = setup.stranger();
  const credentials = { email: user?.email ?? '', password };
  const error = await failureOf(stranger.auth.login.mutate(credentials));
  if (!isFailure(error, 'SECOND_FACTOR_REQUIRED')) throw error;
  expect(error.failure.data).toBeNull();
  await stranger.auth.login.mutate({ ...credentials, code: code(1) });
  expect((await stranger.auth.me.query()).totpEnabled).toBe(true);
  await setup.stranger().auth.login.mutate({ ...credentials, code: recoveryCodes[0] ?? '' });
});
