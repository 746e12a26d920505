import { startApp, type App } from '@olympus/server/app.ts';
import { readConfig } from '@olympus/server/config.ts';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createStore, registerTenant, rest, type Session, type Store } from '../harness.ts';
import { openStreams, untilRefused } from './streams.ts';

const password = 'correct horse battery';
/** From the answer that revokes to the last refusal, on every replica. */
const boundMs = 1_000;

let store: Store;
const replicas: App[] = [];
beforeAll(async () => {
  store = await createStore();
  // The embedded database serves one process; where there is a server, what one replica revokes the other must refuse.
  for (let count = store.kind === 'postgres' ? 2 : 1; count > 0; count--)
    replicas.push(
      await startApp(
        readConfig({
          HOST: '127.0.0.1',
          PORT: '0',
          LOG_LEVEL: 'silent',
          OLYMPUS_SEED_DEMO: 'off',
          RATE_LIMITS: 'off',
          ...store.env,
        }),
      ),
    );
});
afterAll(async () => {
  await Promise.all(replicas.map((replica) => replica.close()));
  await store.remove();
});

const first = () => replicas[0]?.url ?? '';
const other = () => replicas.at(-1)?.url ?? '';

async function call<T>(session: { accessToken: string }, method: string, path: string, body?: unknown): Promise<T> {
  const answer = await rest<T>(first(), { method, path, token: session.accessToken, body });
  expect(answer.status, `${method} ${path} ${JSON.stringify(answer.body)}`).toBeLessThan(300);
  return answer.body;
}
const signIn = (email: string) => call<Session>({ accessToken: '' }, 'POST', '/auth/login', { email, password });

async function cast() {
  const owner = await registerTenant(first(), { password });
  const email = `staff-${randomBytes(6).toString('hex')}@shop.test`;
  const user = { email, name: 'Sam', role: 'staff', password };
  const { id } = await call<{ id: string }>(owner, 'POST', '/users', user);
  const me = await call<{ tenant: { id: string } }>(owner, 'GET', '/auth/me');
  const staff = await signIn(email);
  return { owner, staff, id, email, tenantId: me.tenant.id };
}
type Cast = Awaited<ReturnType<typeof cast>>;

let admin: Session | undefined;
async function superAdmin(): Promise<Session> {
  if (!admin) {
    const email = `admin-${randomBytes(6).toString('hex')}@olympus.test`;
    await replicas[0]?.createAdmin({ email, name: 'Ada Admin', password });
    admin = await signIn(email);
  }
  return admin;
}

/** Whose credential is followed, what revokes it, and whether the credential is refused altogether or gets other rights. */
const revocations: Record<string, { revoke: (cast: Cast) => Promise<unknown>; refused: boolean; key?: true }> = {
  'a logout': { revoke: ({ staff }) => call(staff, 'POST', '/auth/logout', {}), refused: true },
  'a change of password': {
    revoke: ({ staff, id }) => call(staff, 'PATCH', `/users/${id}`, { password: 'another long password' }),
    refused: true,
  },
  'a change of role': {
    revoke: ({ owner, id }) => call(owner, 'PATCH', `/users/${id}`, { role: 'viewer' }),
    refused: false,
  },
  'a change of locations': {
    revoke: async ({ owner, id }) => {
      const soho = await call<{ id: string }>(owner, 'POST', '/locations', { name: 'Soho' });
      await call(owner, 'PATCH', `/users/${id}`, { locationIds: [soho.id] });
    },
    refused: false,
  },
  'a revoked key': {
    key: true,
    revoke: async ({ owner }) => {
      const { items } = await call<{ items: { id: string }[] }>(owner, 'GET', '/api-keys');
      await call(owner, 'DELETE', `/api-keys/${items[0]?.id}`);
    },
    refused: true,
  },
  'the deactivation of a key’s maker': {
    key: true,
    revoke: async ({ owner, email }) => {
      // An owner of their own, so that the tenant keeps one.
      const second = `second-${email}`;
      await call(owner, 'POST', '/users', { email: second, name: 'Two', role: 'owner', password });
      await call(await signIn(second), 'DELETE', `/users/${owner.user.id}`);
    },
    refused: true,
  },
  'a deactivated user': { revoke: ({ owner, id }) => call(owner, 'DELETE', `/users/${id}`), refused: true },
  'a suspended tenant': {
    revoke: async ({ tenantId }) =>
      call(await superAdmin(), 'POST', `/tenants/${tenantId}/suspend`, { reason: 'Unpaid' }),
    refused: true,
  },
  'a suspended tenant, for a key': {
    key: true,
    revoke: async ({ tenantId }) =>
      call(await superAdmin(), 'POST', `/tenants/${tenantId}/suspend`, { reason: 'Unpaid' }),
    refused: true,
  },
};

describe('revoked within a second on every replica and protocol', () => {
  it.each(Object.entries(revocations))('by %s', async (_, { revoke, refused, key }) => {
    const people = await cast();
    await superAdmin();
    const token = key ? await keyOf(people.owner) : people.staff.accessToken;
    const streams = await openStreams(other(), token);
    // The answer that the replica keeps for a moment is as fresh as can be.
    await rest(other(), { path: '/orders', token });
    await revoke(people);
    const start = performance.now();
    const [closed, http] = await Promise.all([
      streams.closed(),
      refused ? untilRefused(other(), token) : Promise.resolve(null),
    ]);
    expect(Math.max(...Object.values(closed)) - start, JSON.stringify(closed)).toBeLessThan(boundMs);
    if (http !== null) expect(http - start).toBeLessThan(boundMs);
    expect(streams.socketCode()).toBe(4401);
    if (refused) expect(await streams.reopens()).toEqual([false, false, false]);
  });
});

async function keyOf(owner: Session): Promise<string> {
  const made = await call<{ secret: string }>(owner, 'POST', '/api-keys', { name: 'Till', scopes: ['orders:read'] });
  return made.secret;
}

describe('a suspended tenant', () => {
  it('is refused sign-in and refresh, says why, keeps its data, and goes on when it is resumed', async () => {
    const { owner, tenantId } = await cast();
    const platform = await superAdmin();
    await call(owner, 'POST', '/locations', { name: 'Soho' });
    await call(platform, 'POST', `/tenants/${tenantId}/suspend`, { reason: 'Unpaid' });
    await sleep(400);
    const suspended = { status: 403, body: { code: 'TENANT_SUSPENDED' } };
    const post = (path: string, body: unknown) => rest(first(), { method: 'POST', path, body });
    expect(await rest(first(), { path: '/locations', token: owner.accessToken })).toMatchObject(suspended);
    expect(await post('/auth/login', { email: owner.user.email, password })).toMatchObject(suspended);
    expect(await post('/auth/refresh', { refreshToken: owner.refreshToken })).toMatchObject(suspended);
    expect(await post('/auth/validate', { token: owner.accessToken })).toMatchObject({ body: { valid: false } });
    expect(await post('/auth/login', { email: owner.user.email, password: 'wrong password' })).toMatchObject({
      body: { code: 'INVALID_CREDENTIALS' },
    });
    const act = { method: 'POST', path: `/tenants/${tenantId}/act`, token: platform.accessToken };
    expect(await rest(first(), { ...act, body: { role: 'viewer', reason: 'x' } })).toMatchObject(suspended);

    await call(platform, 'POST', `/tenants/${tenantId}/resume`, {});
    await sleep(400);
    expect(await call(owner, 'GET', '/locations')).toMatchObject({ items: [{ name: 'Soho' }] });
    await post('/auth/refresh', { refreshToken: owner.refreshToken }).then(({ status }) => expect(status).toBe(200));
  });
});
