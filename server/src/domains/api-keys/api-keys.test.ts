import {
  contracts,
  keyScopes,
  permissionsOf,
  roles,
  type IssuedApiKey,
  type Session,
  type User,
} from '@olympus/contracts';
import { sql } from '@olympus/database';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fail } from '../../kernel/failure.ts';
import { locations } from '../locations/procedures.ts';
import { nobodyFollows, procedures, startTestKernel, type TestKernel } from '../testing.ts';
import { users } from '../users/procedures.ts';
import { apiKeys } from './procedures.ts';

const password = 'correct horse battery';
let olympus: TestKernel;
beforeAll(async () => {
  olympus = await startTestKernel({
    databaseUrl: process.env['TEST_DATABASE_URL'],
    procedures: ({ cursors, auth }) => [
      ...procedures('users', contracts.users, users({ cursors, account: auth.account, follow: nobodyFollows })),
      ...procedures('locations', contracts.locations, locations({ cursors })),
      ...procedures('apiKeys', contracts.apiKeys, apiKeys({ cursors })),
    ],
  });
});
afterAll(() => olympus.close());

const by = ({ accessToken }: Session) => ({ token: accessToken });
const make = (session: Session, over: object = {}) =>
  olympus.call<IssuedApiKey>('apiKeys.create', { name: 'Till', scopes: ['locations:read'], ...over }, by(session));
const refused = (secret: string, path = 'locations.list', input: object = {}) =>
  olympus.refusal(path, input, { token: secret });
const works = (secret: string) => olympus.call('locations.list', {}, { token: secret });
const add = async (session: Session, role: string, over: object = {}) => {
  const email = `${randomUUID()}@shop.test`;
  const user = await olympus.call<User>('users.create', { email, name: 'N', role, password, ...over }, by(session));
  return { user, session: await olympus.call<Session>('auth.login', { email, password }) };
};
const unauthenticated = { code: 'UNAUTHENTICATED', data: null };
/** Longer than answers are kept. */
const forgotten = () => sleep(400);

test('a key is shown once, kept as a hash, and acts for its tenant as its maker', async () => {
  const owner = await olympus.register({ timeZone: 'Europe/London', currency: 'GBP' });
  const { apiKey, secret } = await make(owner, { callsPerSecond: 7 });
  expect(apiKey).toMatchObject({ scopes: ['locations:read'], callsPerSecond: 7, createdBy: owner.user.id, version: 1 });
  expect(secret.startsWith(`${apiKey.prefix}_`)).toBe(true);
  const seen = JSON.stringify([
    await olympus.call('apiKeys.get', { id: apiKey.id }, by(owner)),
    await olympus.call('apiKeys.list', {}, by(owner)),
    await olympus.database.systemDb.rows(sql`select * from api_keys where id = ${apiKey.id}::uuid`),
  ]);
  expect(seen).toContain(apiKey.prefix);
  expect(seen).not.toContain(secret.slice(apiKey.prefix.length + 1));

  expect(await olympus.auth.authenticator.principalOf(secret)).toMatchObject({
    userId: owner.user.id,
    tenantId: expect.any(String),
    sessionId: null,
    apiKeyId: apiKey.id,
    callsPerSecond: 7,
    locationIds: null,
    actor: null,
    expiresAt: Infinity,
    timeZone: 'Europe/London',
    currency: 'GBP',
  });
  expect(await olympus.call('auth.me', undefined, { token: secret })).toMatchObject({
    user: { id: owner.user.id },
    permissions: ['identity:read', 'locations:read'],
    apiKey: { id: apiKey.id, name: 'Till', expiresAt: null },
  });
  expect(await olympus.call('auth.validate', { token: secret })).toMatchObject({ valid: true, expiresAt: null });
});

test('scopes bind: nothing else, nothing of a person, of users or of keys', async () => {
  const owner = await olympus.register();
  const { secret } = await make(owner);
  expect(await refused(secret, 'locations.create', { name: 'X' })).toMatchObject({ code: 'FORBIDDEN' });
  for (const path of ['apiKeys.list', 'users.list', 'auth.logout'])
    expect(await refused(secret, path), path).toMatchObject({ code: 'FORBIDDEN' });
  expect(await refused(secret, 'users.update', { id: owner.user.id, name: 'X' })).toMatchObject({ code: 'FORBIDDEN' });
  for (const scope of [
    'users:read',
    'users:write',
    'tenant:manage',
    'apiKeys:manage',
    'self:read',
    'platform:tenants',
  ]) {
    expect(keyScopes).not.toContain(scope);
    const input = { name: 'X', scopes: [scope] };
    expect(await olympus.refusal('apiKeys.create', input, by(owner)), scope).toMatchObject({ code: 'INVALID_INPUT' });
  }
});

test('a key can do no more than its maker can now', async () => {
  const owner = await olympus.register();
  const admin = await add(owner, 'admin');
  const { secret } = await make(admin.session, { scopes: ['locations:read', 'locations:write'] });
  await olympus.call('locations.create', { name: 'Soho' }, { token: secret });
  await olympus.call('users.update', { id: admin.user.id, role: 'staff' }, by(owner));
  await forgotten();
  await works(secret);
  expect(await refused(secret, 'locations.create', { name: 'Y' })).toMatchObject({ code: 'FORBIDDEN' });
  await olympus.call('users.deactivate', { id: admin.user.id }, by(owner));
  await forgotten();
  expect(await refused(secret)).toEqual(unauthenticated);
});

test('inventions, typos, other tenants’ and expired keys are refused', async () => {
  const owner = await olympus.register();
  const stranger = await olympus.register();
  const { apiKey, secret } = await make(owner, { expiresAt: new Date(olympus.clock.now().getTime() + 60_000) });
  const other = await make(owner);
  const swapped = other.apiKey.prefix + secret.slice(apiKey.prefix.length);
  for (const fake of [`${secret.slice(0, -1)}${secret.endsWith('0') ? '1' : '0'}`, 'olk_x', swapped])
    expect(await refused(fake)).toEqual(unauthenticated);
  const missing = { code: 'API_KEY_NOT_FOUND', data: { id: apiKey.id } };
  for (const path of ['get', 'update', 'rotate', 'revoke'])
    expect(await olympus.refusal(`apiKeys.${path}`, { id: apiKey.id }, by(stranger)), path).toEqual(missing);
  const past = { name: 'X', scopes: ['orders:read'], expiresAt: new Date(0) };
  expect(await olympus.refusal('apiKeys.create', past, by(owner))).toMatchObject({ code: 'INVALID_INPUT' });
  await works(secret);
  olympus.clock.advance(61_000);
  expect(await refused(secret)).toEqual(unauthenticated);
  expect(await olympus.refusal('apiKeys.rotate', { id: apiKey.id }, by(owner))).toMatchObject({
    code: 'API_KEY_ENDED',
  });
});

describe('rotation', () => {
  test('the secret so far goes on for the overlap, and not a moment longer', async () => {
    const owner = await olympus.register();
    const first = await make(owner);
    const rotate = (overlapSeconds?: number) =>
      olympus.call<IssuedApiKey>('apiKeys.rotate', { id: first.apiKey.id, overlapSeconds }, by(owner));
    const second = await rotate();
    expect(second.apiKey).toMatchObject({ prefix: first.apiKey.prefix, version: 2 });
    const until = second.apiKey.rotatedUntil?.getTime() ?? 0;
    expect(until - olympus.clock.now().getTime()).toBeGreaterThan(86_390_000);
    await works(first.secret);
    await works(second.secret);

    const third = await rotate(60);
    await forgotten();
    expect(await refused(first.secret)).toEqual(unauthenticated);
    await works(second.secret);
    olympus.clock.advance(60_001);
    expect(await refused(second.secret)).toEqual(unauthenticated);
    await works(third.secret);

    const fourth = await rotate(0);
    await forgotten();
    expect(await refused(third.secret)).toEqual(unauthenticated);
    await works(fourth.secret);
  });
});

test('update changes what is named, and revoke is for good', async () => {
  const owner = await olympus.register();
  const { apiKey, secret } = await make(owner);
  const change = (over: object) => olympus.call('apiKeys.update', { id: apiKey.id, ...over }, by(owner));
  expect(await change({ name: 'Kiosk' })).toMatchObject({ name: 'Kiosk', scopes: ['locations:read'], version: 2 });
  expect(await change({ scopes: ['orders:read'], callsPerSecond: 3 })).toMatchObject({ callsPerSecond: 3, version: 3 });
  expect(await change({})).toMatchObject({ version: 3 });
  const stale = { id: apiKey.id, name: 'X', expectedVersion: 1 };
  expect(await olympus.refusal('apiKeys.update', stale, by(owner))).toMatchObject({ code: 'VERSION_CONFLICT' });
  await forgotten();
  expect(await refused(secret)).toMatchObject({ code: 'FORBIDDEN' });

  await olympus.call('apiKeys.revoke', { id: apiKey.id }, by(owner));
  await olympus.call('apiKeys.revoke', { id: apiKey.id }, by(owner));
  await forgotten();
  expect(await refused(secret)).toEqual(unauthenticated);
  expect(await olympus.refusal('apiKeys.rotate', { id: apiKey.id }, by(owner))).toMatchObject({
    code: 'API_KEY_ENDED',
  });
  const listed = await olympus.call<{ items: { id: string }[] }>('apiKeys.list', { revoked: true }, by(owner));
  expect(listed.items.map(({ id }) => id)).toEqual([apiKey.id]);
});

test('whoever stands below a key’s maker, or sees less, may only revoke it', async () => {
  const owner = await olympus.register();
  const soho = await olympus.call<{ id: string }>('locations.create', { name: 'Soho' }, by(owner));
  const admin = await add(owner, 'admin');
  const kept = await add(owner, 'admin', { locationIds: [soho.id] });
  const [ofOwner, ofAdmin] = [await make(owner), await make(admin.session)];
  const rotate = (key: IssuedApiKey, session: Session) =>
    olympus.refusal('apiKeys.rotate', { id: key.apiKey.id }, by(session));
  expect(await rotate(ofOwner, admin.session)).toEqual({ code: 'ROLE_TOO_HIGH', data: { role: 'owner' } });
  expect(await rotate(ofAdmin, kept.session)).toMatchObject({ code: 'LOCATION_REFUSED', data: { allowed: [soho.id] } });
  const own = await make(kept.session);
  expect((await olympus.auth.authenticator.principalOf(own.secret))?.locationIds).toEqual(new Set([soho.id]));
  await olympus.call('apiKeys.rotate', { id: own.apiKey.id }, by(kept.session));
  await olympus.call('apiKeys.revoke', { id: ofOwner.apiKey.id }, by(kept.session));
});

test('only those who manage keys reach them', async () => {
  const owner = await olympus.register();
  for (const role of roles) {
    const { session } = await add(owner, role);
    const listed = await olympus.call('apiKeys.list', {}, by(session)).then(
      () => true,
      () => false,
    );
    expect(listed, role).toBe(permissionsOf[role].has('apiKeys:manage'));
  }
});

test('the last use is noted at most once a minute', async () => {
  const owner = await olympus.register();
  const { apiKey, secret } = await make(owner);
  const lastUse = async () => {
    const { lastUsedAt } = await olympus.call<{ lastUsedAt: Date | null }>('apiKeys.get', { id: apiKey.id }, by(owner));
    return lastUsedAt?.getTime() ?? null;
  };
  const use = async () => {
    await forgotten();
    await works(secret);
  };
  expect(await lastUse()).toBeNull();
  await use();
  await expect.poll(lastUse).not.toBeNull();
  const first = await lastUse();
  await use();
  await sleep(100);
  expect(await lastUse()).toBe(first);
  olympus.clock.advance(60_000);
  await use();
  await expect.poll(lastUse).not.toBe(first);
});

test('nobody gives a key what they do not hold themself', async () => {
  const { create } = apiKeys({ cursors: olympus.cursors });
  // No role manages keys without holding every scope; tokens of other kinds may.
  const principal = { permissions: new Set(['apiKeys:manage', 'orders:read']) };
  const ctx = { principal, clock: olympus.clock } as never;
  const input = { name: 'X', scopes: ['orders:read' as const, 'orders:write' as const] };
  await expect(create({ input, ctx, fail })).rejects.toMatchObject({
    code: 'SCOPE_TOO_WIDE',
    data: { scopes: ['orders:write'] },
  });
});
