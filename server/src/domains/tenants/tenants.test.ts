import { contracts, permissionsOf, type Session, type TenantRecord } from '@olympus/contracts';
import { sql } from '@olympus/database';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { apiKeys } from '../api-keys/procedures.ts';
import { nobodyFollows, procedures, startTestKernel, type TestKernel } from '../testing.ts';
import { users } from '../users/procedures.ts';
import { createAdmin } from './admins.ts';
import { tenants } from './procedures.ts';

const password = 'correct horse battery';
let olympus: TestKernel;
let admin: Session;
beforeAll(async () => {
  olympus = await startTestKernel({
    databaseUrl: process.env['TEST_DATABASE_URL'],
    registration: 'open',
    procedures: ({ database, cursors, auth }) => [
      ...procedures('users', contracts.users, users({ cursors, account: auth.account, follow: nobodyFollows })),
      ...procedures('apiKeys', contracts.apiKeys, apiKeys({ cursors })),
      ...procedures('tenants', contracts.tenants, tenants({ database, cursors, auth })),
    ],
  });
  admin = await signInAdmin();
});
afterAll(() => olympus.close());

async function signInAdmin(): Promise<Session> {
  const { database, auth, clock, ids } = olympus;
  const email = `${randomUUID()}@olympus.test`;
  await createAdmin({ database, passwords: auth.passwords, clock, ids }, { email, name: 'Ada Admin', password });
  return olympus.call<Session>('auth.login', { email, password });
}
const by = ({ accessToken }: { accessToken: string }) => ({ token: accessToken });
const asAdmin = <T>(path: string, input: unknown) => olympus.call<T>(path, input, by(admin));
const act = (tenantId: string, over: object = {}) =>
  asAdmin<Session>('tenants.actAs', { tenantId, role: 'admin', reason: 'Ticket 4711', ...over });
const principalOf = ({ accessToken }: { accessToken: string }) => olympus.auth.authenticator.principalOf(accessToken);
const open = async () => {
  const session = await olympus.register();
  return { session, id: (await principalOf(session))?.tenantId ?? '' };
};

test('the platform’s users live in one tenant that is no customer’s, whoever makes them at once', async () => {
  const made = await Promise.all([signInAdmin(), signInAdmin(), signInAdmin()]);
  const homes = await Promise.all([admin, ...made].map(async (one) => (await principalOf(one))?.tenantId));
  expect(new Set(homes).size).toBe(1);
  const home = homes[0] ?? '';
  const { totalCount } = await asAdmin<{ totalCount: number }>('tenants.list', { withTotal: true });
  const [row] = await olympus.database.systemDb.rows<{ all: string }>(sql`select count(*) as all from tenants`);
  expect(totalCount).toBe(Number(row?.all) - 1);
  const missing = { code: 'TENANT_NOT_FOUND', data: { id: home } };
  expect(await olympus.refusal('tenants.get', { id: home }, by(admin))).toEqual(missing);
  expect(await olympus.refusal('tenants.suspend', { id: home, reason: 'x' }, by(admin))).toEqual(missing);
  const acting = { tenantId: home, role: 'owner', reason: 'x' };
  expect(await olympus.refusal('tenants.actAs', acting, by(admin))).toEqual(missing);
});

test('an admin is made with a good address and password, once', async () => {
  const { database, auth, clock, ids } = olympus;
  const deps = { database, passwords: auth.passwords, clock, ids };
  const { email } = admin.user;
  await expect(createAdmin(deps, { email, name: 'A', password })).rejects.toMatchObject({ code: 'EMAIL_TAKEN' });
  await expect(createAdmin(deps, { email: 'x', name: 'A', password: 'short' })).rejects.toMatchObject({
    code: 'INVALID_INPUT',
    data: { issues: [{ field: 'email' }, { field: 'password' }] },
  });
});

test('a tenant that the platform opens has an owner who signs in', async () => {
  const email = `${randomUUID()}@shop.test`;
  const input = { tenant: 'Tea House', name: 'Tia', email, password, timeZone: 'Europe/London', currency: 'GBP' };
  const { id } = await asAdmin<TenantRecord>('tenants.create', input);
  expect(await asAdmin('tenants.get', { id })).toMatchObject({ name: 'Tea House', currency: 'GBP', users: 1 });
  expect(await olympus.call('auth.login', { email, password })).toMatchObject({ user: { role: 'owner' } });
  expect(await olympus.refusal('tenants.create', input, by(admin))).toEqual({ code: 'EMAIL_TAKEN', data: { email } });
});

test('acting: a short token of the tenant that says who acts and why, and cannot be renewed or outlived', async () => {
  const { session, id } = await open();
  const acting = await act(id, { minutes: 10 });
  expect(acting).toEqual({ accessToken: expect.any(String), expiresIn: 600, tenantId: id, role: 'admin' });
  const principal = await principalOf(acting);
  expect(principal).toMatchObject({
    tenantId: id,
    userId: admin.user.id,
    role: 'admin',
    actor: { userId: admin.user.id, reason: 'Ticket 4711' },
    locationIds: null,
    apiKeyId: null,
  });
  const own = /^(self|chat|notifications):(read|write)$|^(apiKeys:manage|chat:moderate)$/;
  expect([...(principal?.permissions ?? [])]).toEqual([...permissionsOf.admin].filter((one) => !own.test(one)));
  expect(await olympus.call('users.get', { id: session.user.id }, by(acting))).toMatchObject({ id: session.user.id });
  expect(await olympus.call('auth.me', undefined, by(acting))).toMatchObject({
    user: { email: admin.user.email, role: 'admin' },
    tenant: { id },
    actor: { reason: 'Ticket 4711' },
  });
  for (const path of ['apiKeys.list', 'tenants.list', 'auth.logout'])
    expect(await olympus.refusal(path, {}, by(acting)), path).toMatchObject({ code: 'FORBIDDEN' });
  expect((await principalOf(session))?.actor).toBeNull();
  olympus.clock.advance(601_000);
  expect(await olympus.refusal('users.list', {}, by(acting))).toMatchObject({ code: 'UNAUTHENTICATED' });
});

test('acting ends with the session that asked for it, and with the platform’s user', async () => {
  const { id } = await open();
  const ada = await signInAdmin();
  const input = { tenantId: id, role: 'owner', reason: 'x' };
  const acting = await olympus.call<Session>('tenants.actAs', input, by(ada));
  await olympus.call('users.list', {}, by(acting));
  await olympus.call('auth.logout', {}, by(ada));
  await sleep(400);
  expect(await olympus.refusal('users.list', {}, by(acting))).toMatchObject({ code: 'UNAUTHENTICATED' });

  const bob = await signInAdmin();
  const other = await olympus.call<Session>('tenants.actAs', input, by(bob));
  await olympus.database.systemDb.rows(sql`select 1`);
  await olympus.database.systemTransaction((db) =>
    db.rows(sql`update users set role = 'viewer' where id = ${bob.user.id}::uuid`),
  );
  await sleep(400);
  expect(await olympus.refusal('users.list', {}, by(other))).toMatchObject({ code: 'UNAUTHENTICATED' });
});

test('two acts of one session are told apart', async () => {
  const [{ id: first }, { id: second }] = [await open(), await open()];
  const acts = await Promise.all([
    act(first, { reason: 'A' }),
    act(first, { reason: 'B', role: 'viewer' }),
    act(second, { reason: 'A' }),
  ]);
  const principals = await Promise.all(acts.map(principalOf));
  expect(principals.map((one) => [one?.tenantId, one?.role, one?.actor?.reason])).toEqual([
    [first, 'admin', 'A'],
    [first, 'viewer', 'B'],
    [second, 'admin', 'A'],
  ]);
  expect((await principalOf(admin))?.actor).toBeNull();
});

test('a suspension refuses users, keys and actors, keeps its first reason, and ends', async () => {
  const { session, id } = await open();
  const key = { name: 'Till', scopes: ['orders:read'] };
  const { secret } = await olympus.call<{ secret: string }>('apiKeys.create', key, by(session));
  const acting = await act(id);
  const suspended = await asAdmin<TenantRecord>('tenants.suspend', { id, reason: 'Unpaid' });
  expect(await asAdmin('tenants.suspend', { id, reason: 'Again' })).toEqual(suspended);
  await sleep(400);
  const refused = { code: 'TENANT_SUSPENDED', data: null };
  for (const token of [session.accessToken, secret, acting.accessToken])
    expect(await olympus.refusal('auth.me', undefined, { token })).toEqual(refused);
  const { items } = await asAdmin<{ items: TenantRecord[] }>('tenants.list', { suspended: true });
  expect(items.map((one) => one.id)).toContain(id);
  await asAdmin('tenants.resume', { id });
  await sleep(400);
  expect(await olympus.call('auth.me', undefined, { token: secret })).toMatchObject({ tenant: { id } });
});
