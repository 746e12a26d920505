import { contracts, type Session } from '@olympus/contracts';
import { sql } from '@olympus/database';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createAuth } from './index.ts';
import { createPasswords, leastPasswordKib } from './passwords.ts';
import { fail } from '../../kernel/failure.ts';
import { loadKeys } from '../../platform/keys.ts';
import { callerWith, startTestKernel, type TestKernel } from '../testing.ts';

const password = 'correct horse battery';
let olympus: TestKernel;
beforeAll(async () => {
  olympus = await startTestKernel({ databaseUrl: process.env['TEST_DATABASE_URL'], passwordKib: leastPasswordKib });
});
afterAll(() => olympus.close());

const login = (email: string, given = password) => olympus.call<Session>('auth.login', { email, password: given });
const refresh = (refreshToken: string) => olympus.call<Session>('auth.refresh', { refreshToken });
const refusedRefresh = async (refreshToken: string) => (await olympus.refusal('auth.refresh', { refreshToken })).code;
const me = ({ accessToken }: Session) => olympus.call('auth.me', {}, { token: accessToken });
const codeOfMe = async ({ accessToken }: Session) =>
  (await olympus.refusal('auth.me', {}, { token: accessToken })).code;
const unauthenticated = { code: 'UNAUTHENTICATED', data: null };

describe('register', () => {
  test('opens a tenant with its owner, who is signed in', async () => {
    const email = `Olive.${randomUUID()}@Shop.Test`;
    const session = await olympus.register({ tenant: 'Tea House', email, timeZone: 'Europe/London', currency: 'GBP' });
    expect(session).toMatchObject({
      expiresIn: 900,
      refreshToken: expect.stringMatching(/^olr_[\w-]{43}$/),
      user: { email: email.toLowerCase(), name: 'Olive Owner', role: 'owner', active: true, version: 1 },
    });
    expect(await me(session)).toEqual({
      user: session.user,
      tenant: { id: expect.any(String), name: 'Tea House', timeZone: 'Europe/London', currency: 'GBP' },
      emailVerifiedAt: null,
      totpEnabled: false,
      permissions: expect.arrayContaining(['tenant:manage', 'users:write', 'orders:write']),
      apiKey: null,
      actor: null,
    });
  });

  test('an address is one user of one tenant', async () => {
    const { user } = await olympus.register();
    const again = { tenant: 'Other', name: 'Other', email: user.email.toUpperCase(), password };
    expect(await olympus.refusal('auth.register', again)).toEqual({ code: 'EMAIL_TAKEN', data: { email: user.email } });
    const tenants = await olympus.database.systemDb.rows(sql`select 1 from tenants where name = 'Other'`);
    expect(tenants).toEqual([]);
  });

  test('of two at once with one address, one gets it', async () => {
    const email = `race-${randomUUID()}@shop.test`;
    const outcomes = await Promise.allSettled([olympus.register({ email }), olympus.register({ email })]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  test('is refused where it is closed, save to the operator', async () => {
    const { authOptions } = olympus;
    const config = { ...authOptions.config, registration: 'closed' } as const;
    const { handlers, openTenant } = createAuth({ ...authOptions, config });
    const email = `closed-${randomUUID()}@shop.test`;
    const input = contracts.auth.register.def.input.parse({ tenant: 'T', name: 'N', email, password });
    await expect(handlers.register({ input, ctx: {} as never, fail })).rejects.toMatchObject({
      code: 'REGISTRATION_CLOSED',
    });
    expect(await openTenant(input)).toMatchObject({ user: { email, role: 'owner' } });
  });
});

describe('login', () => {
  test('by address, however it is written, and password', async () => {
    const { user } = await olympus.register();
    const session = await login(` ${user.email}`.trim().toUpperCase());
    expect(session.user).toEqual(user);
    await me(session);
  });

  test('a wrong password, an unknown and an inactive user are refused alike', async () => {
    const { user } = await olympus.register();
    const wrong = await olympus.refusal('auth.login', { email: user.email, password: 'wrong' });
    const unknown = await olympus.refusal('auth.login', { email: 'nobody@shop.test', password: 'wrong' });
    await olympus.database.systemDb.rows(sql`update users set active = false where id = ${user.id}::uuid`);
    const inactive = await olympus.refusal('auth.login', { email: user.email, password });
    expect([wrong, unknown, inactive]).toEqual([1, 2, 3].map(() => ({ code: 'INVALID_CREDENTIALS', data: null })));
  });

  test('an unknown user takes as long as a known one', async () => {
    const { user } = await olympus.register();
    // Of the processor: what else the machine does makes the time on the wall a matter of luck.
    const time = async (email: string) => {
      const start = process.cpuUsage();
      for (let i = 0; i < 8; i++) await olympus.refusal('auth.login', { email, password: 'wrong' });
      const { user, system } = process.cpuUsage(start);
      return user + system;
    };
    const [known, unknown] = [await time(user.email), await time('nobody@shop.test')];
    expect(unknown).toBeGreaterThan(known / 2);
    expect(unknown).toBeLessThan(known * 2);
  });

  test('passwords are kept as argon2id, and refresh tokens as hashes', async () => {
    const { user, refreshToken } = await olympus.register();
    const [row] = await olympus.database.systemDb.rows<{ hash: string; token: string }>(sql`
      select u.password_hash as hash, r.token_hash as token from users u join refresh_tokens r on r.user_id = u.id
      where u.id = ${user.id}::uuid`);
    expect(row?.hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(row?.token).not.toContain(refreshToken.slice(4));
  });
});

describe('refresh', () => {
  test('gives a new pair of the same session, and the token is spent', async () => {
    const first = await olympus.register();
    const second = await refresh(first.refreshToken);
    expect(second.refreshToken).not.toBe(first.refreshToken);
    expect(second.user).toEqual(first.user);
    await me(second);
    await me(first);
  });

  test('racers get one new pair between them, and the session goes on', async () => {
    const { refreshToken, user } = await olympus.register();
    const pairs = await Promise.all(Array.from({ length: 5 }, () => refresh(refreshToken)));
    expect(new Set(pairs.map((pair) => pair.refreshToken)).size).toBe(1);
    expect(new Set(pairs.map((pair) => pair.accessToken)).size).toBe(1);
    const tokens = sql`select 1 from refresh_tokens where user_id = ${user.id}::uuid`;
    expect(await olympus.database.systemDb.rows(tokens)).toHaveLength(2);
    await me(pairs[4]!);
    await refresh(pairs[4]!.refreshToken);
  });

  test('who lost the answer is given the same pair again within the grace', async () => {
    const first = await olympus.register();
    const lost = await refresh(first.refreshToken);
    olympus.clock.advance(9_000);
    const again = await refresh(first.refreshToken);
    expect(again).toMatchObject({ accessToken: lost.accessToken, refreshToken: lost.refreshToken });
    expect(again.expiresIn).toBeLessThanOrEqual(lost.expiresIn - 9);
    await me(again);
    await refresh(again.refreshToken);
  });

  test('a replay after the grace ends the whole session', async () => {
    const first = await olympus.register();
    const second = await refresh(first.refreshToken);
    olympus.clock.advance(11_000);
    await me(second);
    expect(await refusedRefresh(first.refreshToken)).toBe('INVALID_REFRESH_TOKEN');
    expect(await refusedRefresh(second.refreshToken)).toBe('INVALID_REFRESH_TOKEN');
    expect(await codeOfMe(second)).toBe('UNAUTHENTICATED');
  });

  test('of a thief and the owner who took the same pair in the grace, the later is found out', async () => {
    const first = await olympus.register();
    const owner = await refresh(first.refreshToken);
    const thief = await refresh(first.refreshToken);
    const next = await refresh(owner.refreshToken);
    olympus.clock.advance(11_000);
    expect(await refusedRefresh(thief.refreshToken)).toBe('INVALID_REFRESH_TOKEN');
    expect(await codeOfMe(next)).toBe('UNAUTHENTICATED');
  });

  test('the oldest of four ends the session at once: its successor was used already', async () => {
    const first = await olympus.register();
    const second = await refresh(first.refreshToken);
    const third = await refresh(second.refreshToken);
    const fourth = await refresh(third.refreshToken);
    expect(await refusedRefresh(first.refreshToken)).toBe('INVALID_REFRESH_TOKEN');
    expect(await refusedRefresh(fourth.refreshToken)).toBe('INVALID_REFRESH_TOKEN');
    expect(await codeOfMe(fourth)).toBe('UNAUTHENTICATED');
  });

  test('other sessions of the user outlive the end of one', async () => {
    const { user, refreshToken } = await olympus.register();
    const other = await login(user.email);
    await refresh(refreshToken);
    olympus.clock.advance(11_000);
    await refusedRefresh(refreshToken);
    expect(await me(other)).toMatchObject({ user });
    await refresh(other.refreshToken);
  });

  test('a token that is unknown, expired, or of an inactive user is refused', async () => {
    const { user, refreshToken, accessToken } = await olympus.register();
    for (const token of ['olr_unknown', 'x', accessToken.slice(0, 500)])
      expect(await refusedRefresh(token)).toBe('INVALID_REFRESH_TOKEN');
    await olympus.database.systemDb.rows(sql`update users set active = false where id = ${user.id}::uuid`);
    expect(await refusedRefresh(refreshToken)).toBe('INVALID_REFRESH_TOKEN');
    const late = await olympus.register();
    olympus.clock.advance(31 * 86_400_000);
    expect(await refusedRefresh(late.refreshToken)).toBe('INVALID_REFRESH_TOKEN');
  });
});

describe('logout', () => {
  test('ends the caller’s own session, its refresh token included', async () => {
    const session = await olympus.register();
    expect(await olympus.call('auth.logout', {}, { token: session.accessToken })).toBeNull();
    expect(await codeOfMe(session)).toBe('UNAUTHENTICATED');
    expect(await refusedRefresh(session.refreshToken)).toBe('INVALID_REFRESH_TOKEN');
  });

  test('ends the session of a refresh token that is the caller’s, and of no other user', async () => {
    const session = await olympus.register();
    const other = await login(session.user.email);
    const stranger = await olympus.register();
    const by = (refreshToken: string) => olympus.call('auth.logout', { refreshToken }, { token: session.accessToken });
    await by(stranger.refreshToken);
    await by('olr_unknown');
    await me(stranger);
    await me(session);
    await by(other.refreshToken);
    expect(await codeOfMe(other)).toBe('UNAUTHENTICATED');
    await me(session);
  });
});

describe('the authenticator', () => {
  test('a role that changed acts within a second, without a new token', async () => {
    const session = await olympus.register();
    await me(session);
    await olympus.database.systemDb.rows(sql`update users set role = 'viewer' where id = ${session.user.id}::uuid`);
    await vi.waitFor(
      async () => expect(await me(session)).toMatchObject({ permissions: expect.not.arrayContaining(['users:write']) }),
      { timeout: 1000, interval: 20 },
    );
  });

  test('deactivation and revocation made elsewhere act within a second', async () => {
    for (const change of [sql`update users set active = false`, sql`update sessions set ended_at = now()`]) {
      const session = await olympus.register();
      await me(session);
      await olympus.database.systemDb.rows(change);
      await vi.waitFor(async () => expect(await codeOfMe(session)).toBe('UNAUTHENTICATED'), {
        timeout: 1000,
        interval: 20,
      });
      await olympus.database.systemDb.rows(sql`update users set active = true`);
    }
  });

  test('an open socket’s caller is told of the end of its session, though it was identified before', async () => {
    const session = await olympus.register();
    const caller = callerWith(session.accessToken);
    expect(await olympus.kernel.identify(caller)).toMatchObject({ userId: session.user.id });
    await olympus.call('auth.logout', {}, { token: session.accessToken });
    await expect(olympus.kernel.identify(caller)).rejects.toMatchObject(unauthenticated);
    const later = await olympus.register();
    const open = callerWith(later.accessToken);
    await olympus.kernel.identify(open);
    olympus.clock.advance(901_000);
    await expect(olympus.kernel.identify(open)).rejects.toMatchObject(unauthenticated);
  });

  test('all bad tokens are refused alike, and no token is nobody', async () => {
    const session = await olympus.register();
    const bad = ['x', session.refreshToken, `${session.accessToken}x`, 'a.b.c', session.accessToken.slice(0, -3)];
    for (const token of bad) expect(await olympus.refusal('auth.me', {}, { token })).toEqual(unauthenticated);
    expect(await olympus.refusal('auth.me', {})).toEqual(unauthenticated);
    expect(await olympus.kernel.identify(callerWith(null))).toBeNull();
  });

  test('a busy session asks the database once in its time', async () => {
    const session = await olympus.register();
    const { systemDb } = olympus.database;
    const asked = vi.fn();
    const rows: typeof systemDb.rows = (statement) => {
      asked();
      return systemDb.rows(statement);
    };
    const database = { ...olympus.database, systemDb: { ...systemDb, rows } };
    const { authenticator } = createAuth({ ...olympus.authOptions, database });
    await Promise.all(Array.from({ length: 100 }, () => authenticator.principalOf(session.accessToken)));
    expect(asked).toHaveBeenCalledTimes(1);
  });

  test('tokens survive a restart', async () => {
    const session = await olympus.register();
    const { database, clock, ids } = olympus;
    const keys = await loadKeys(database, clock, ids);
    const restarted = createAuth({ ...olympus.authOptions, keys });
    expect(await restarted.authenticator.identify(callerWith(session.accessToken))).toMatchObject({ role: 'owner' });
    expect(restarted.jwks()).toEqual(olympus.auth.jwks());
  });
});

describe('validate', () => {
  const invalid = { valid: false, userId: null, tenantId: null, role: null, expiresAt: null };

  test('says whose a token is: the one given, or the caller’s', async () => {
    const { accessToken, user } = await olympus.register();
    const expected = {
      valid: true,
      userId: user.id,
      role: 'owner',
      expiresAt: expect.any(Date),
      tenantId: expect.any(String),
    };
    expect(await olympus.call('auth.validate', { token: accessToken })).toEqual(expected);
    expect(await olympus.call('auth.validate', {}, { token: accessToken })).toEqual(expected);
  });

  test('a bad, missing or ended token is not valid, and no error', async () => {
    const { accessToken, refreshToken } = await olympus.register();
    expect(await olympus.call('auth.validate', {})).toEqual(invalid);
    for (const token of ['x', refreshToken, 'a'.repeat(8192)])
      expect(await olympus.call('auth.validate', { token })).toEqual(invalid);
    await olympus.call('auth.logout', {}, { token: accessToken });
    expect(await olympus.call('auth.validate', { token: accessToken })).toEqual(invalid);
  });
});

test('hashing waits in a short queue, and beyond it the caller is told to come back', async () => {
  const passwords = createPasswords({ atOnce: 1, waiting: 2 });
  const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => passwords.hash('x')));
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'rejected']);
  const stored = await passwords.hash('secret');
  expect(stored).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  expect(await passwords.verify(stored, 'secret')).toBe(true);
  // What was made with another cost fits on.
  expect(await createPasswords({ kib: 1024 }).verify(stored, 'secret')).toBe(true);
  expect(await passwords.verify(null, 'a password that nobody has')).toBe(false);
});
