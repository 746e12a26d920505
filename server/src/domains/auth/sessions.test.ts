import { type DeviceSession, type Session } from '@olympus/contracts';
import { sql } from '@olympus/database';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { callerWith, startTestKernel, type TestKernel } from '../testing.ts';
import { deviceOf } from './devices.ts';
import { createAuth } from './index.ts';

const password = 'correct horse battery';
let olympus: TestKernel;
beforeAll(async () => {
  olympus = await startTestKernel({ databaseUrl: process.env['TEST_DATABASE_URL'] });
});
afterAll(() => olympus.close());

const by = ({ accessToken }: Session) => ({ token: accessToken });
const login = ({ user }: Session, device: string) =>
  olympus.call<Session>('auth.login', { email: user.email, password, device });
const list = async (session: Session, input: object = {}) =>
  (await olympus.call<{ items: DeviceSession[] }>('auth.sessions.list', input, by(session))).items;
const devices = async (session: Session, input?: object) => (await list(session, input)).map(({ device }) => device);
const codeOf = async (session: Session) => (await olympus.refusal('auth.me', {}, by(session))).code;

test('each sign-in is a session with its device, of the caller alone', async () => {
  const first = await olympus.register({ device: 'Till 1' });
  olympus.clock.advance(1000);
  const second = await login(first, 'Till 2');
  await olympus.register({ device: 'Of another tenant' });
  const [till2, till1] = await list(second);
  expect(till2).toEqual({
    id: expect.any(String),
    device: 'Till 2',
    address: '127.0.0.1',
    createdAt: expect.any(Date),
    lastUsedAt: till2?.createdAt,
    expiresAt: new Date((till2?.createdAt.getTime() ?? 0) + 30 * 86_400_000),
    current: true,
  });
  expect(till1).toMatchObject({ device: 'Till 1', current: false });
  expect(await devices(first, { sort: 'createdAt', limit: 1 })).toEqual(['Till 1']);
});

test('without a name the device is told from the user agent', async () => {
  const { user } = await olympus.register();
  const caller = { ...callerWith(null), userAgent: 'curl/8.5.0', address: '203.0.113.9' };
  const session = (await olympus.kernel.execute({
    procedure: olympus.kernel.byPath.get('auth.login')!,
    caller,
    input: { email: user.email, password },
    signal: new AbortController().signal,
  })) as Session;
  expect(await list(session)).toContainEqual(expect.objectContaining({ device: 'curl', address: '203.0.113.9' }));
});

test.each([
  [
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36',
    'Chrome on Windows',
  ],
  [
    'Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1',
    'Safari on iOS',
  ],
  ['Dart/3.5 (dart:io)', 'Dart'],
  ['node', 'node'],
  ['<script>', 'Unknown device'],
  ['', 'Unknown device'],
  [undefined, 'Unknown device'],
  ['a'.repeat(100_000), 'a'.repeat(40)],
])('the user agent %.20s… is %s', (userAgent, device) => {
  expect(deviceOf(userAgent)).toBe(device);
});

describe('ending sessions', () => {
  test('one of the caller’s own, at once; what is not theirs is missing', async () => {
    const first = await olympus.register({ device: 'Kept' });
    const second = await login(first, 'Lost');
    const stranger = await olympus.register();
    const [strangers] = await list(stranger);
    const lost = (await list(first)).find(({ device }) => device === 'Lost');
    const revoke = (id?: string) => olympus.call('auth.sessions.revoke', { id }, by(first));
    expect(await revoke(lost?.id)).toBeNull();
    expect(await codeOf(second)).toBe('UNAUTHENTICATED');
    const { refreshToken } = second;
    expect((await olympus.refusal('auth.refresh', { refreshToken })).code).toBe('INVALID_REFRESH_TOKEN');
    expect(await devices(first)).toEqual(['Kept']);
    for (const id of [lost?.id, strangers?.id, '01890a5d-ac96-774b-bcce-b302099a8057'])
      expect(await olympus.refusal('auth.sessions.revoke', { id }, by(first))).toEqual({
        code: 'SESSION_NOT_FOUND',
        data: { id },
      });
    expect(await devices(stranger)).toHaveLength(1);
  });

  test('of a colleague is none of the caller’s business', async () => {
    const owner = await olympus.register();
    const { database } = olympus;
    const email = `colleague-${owner.user.email}`;
    await database.systemDb.rows(sql`
      insert into users (tenant_id, id, email, name, role, password_hash, created_at, updated_at)
      select tenant_id, gen_random_uuid(), ${email}, 'C', 'staff', password_hash, now(), now() from users
      where id = ${owner.user.id}::uuid`);
    const colleague = await olympus.call<Session>('auth.login', { email, password });
    const [theirs] = await list(colleague);
    expect(await devices(owner)).toHaveLength(1);
    expect((await olympus.refusal('auth.sessions.revoke', { id: theirs?.id }, by(owner))).code).toBe(
      'SESSION_NOT_FOUND',
    );
    expect(await olympus.call('auth.sessions.revokeOthers', undefined, by(owner))).toEqual({ revoked: 0 });
    expect(await devices(colleague)).toHaveLength(1);
  });

  test('all others, and not the one that calls', async () => {
    const first = await olympus.register();
    const others = [await login(first, 'A'), await login(first, 'B')];
    expect(await olympus.call('auth.sessions.revokeOthers', undefined, by(first))).toEqual({ revoked: 2 });
    for (const other of others) expect(await codeOf(other)).toBe('UNAUTHENTICATED');
    expect(await list(first)).toMatchObject([{ current: true }]);
    expect(await olympus.call('auth.sessions.revokeOthers', undefined, by(first))).toEqual({ revoked: 0 });
  });

  test('is seen by other processes within a second', async () => {
    const session = await olympus.register();
    const replica = createAuth(olympus.authOptions).authenticator;
    expect(await replica.principalOf(session.accessToken)).toMatchObject({ role: 'owner' });
    await olympus.call('auth.logout', {}, by(session));
    const gone = async () => expect(await replica.principalOf(session.accessToken)).toBeNull();
    await vi.waitFor(gone, { timeout: 1000, interval: 20 });
  });
});

describe('the last use', () => {
  const usedAt = async ({ user }: Session) => {
    const rows = await olympus.database.systemDb.rows<{ at: Date }>(
      sql`select last_used_at as at from sessions where user_id = ${user.id}::uuid`,
    );
    return rows[0]?.at.getTime() ?? 0;
  };

  test('is noted once a minute and no more often', async () => {
    const session = await olympus.register();
    const start = await usedAt(session);
    const { systemDb } = olympus.database;
    const written = vi.fn();
    const rows: typeof systemDb.rows = (statement) => {
      written();
      return systemDb.rows(statement);
    };
    const database = { ...olympus.database, systemDb: { ...systemDb, rows } };
    const replicas = [0, 1, 2].map(() => createAuth({ ...olympus.authOptions, database }).authenticator);
    const use = () => Promise.all(replicas.map((one) => one.principalOf(session.accessToken)));
    olympus.clock.advance(50_000);
    await use();
    expect(written).toHaveBeenCalledTimes(3);
    expect(await usedAt(session)).toBe(start);
    olympus.clock.advance(11_000);
    await new Promise((resolve) => setTimeout(resolve, 400));
    await use();
    await vi.waitFor(async () => expect(await usedAt(session)).toBeGreaterThan(start + 60_000), 20_000);
  });

  test('moves with a refresh, and so does the expiry', async () => {
    const session = await olympus.register();
    const start = await usedAt(session);
    olympus.clock.advance(20_000);
    const next = await olympus.call<Session>('auth.refresh', { refreshToken: session.refreshToken });
    expect(await usedAt(session)).toBeGreaterThanOrEqual(start + 20_000);
    const [only] = await list(next);
    expect(only?.expiresAt.getTime()).toBeGreaterThan(start + 30 * 86_400_000 + 19_000);
  });
});
