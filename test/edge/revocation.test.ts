import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStreams } from '../access/streams.ts';
import { registerTenant, rest, type Session } from '../harness.ts';
import { canRun, note, startFleet, type Fleet } from './fleet.ts';

const password = 'correct horse battery';
/** From the answer that revokes to the last refusal. */
const boundMs = 1_000;

describe.skipIf(!canRun)(`revoked through haproxy, over on each of three replicas within a second${note}`, () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await startFleet({ RATE_LIMITS: 'off' });
    // What a first call loads is not counted.
    for (const { url } of fleet.replicas) await registerTenant(url, { password });
  }, 240_000);
  afterAll(() => fleet?.stop());

  async function call<T>(token: string, method: string, path: string, body?: unknown): Promise<T> {
    const answer = await rest<T>(fleet.haproxy.url, { method, path, token, body });
    expect(answer.status, `${method} ${path} ${JSON.stringify(answer.body)}`).toBeLessThan(300);
    return answer.body;
  }

  async function cast() {
    const { accessToken: owner } = await registerTenant(fleet.haproxy.url, { password });
    const email = `staff-${randomBytes(6).toString('hex')}@shop.test`;
    const { id } = await call<{ id: string }>(owner, 'POST', '/users', { email, name: 'Sam', role: 'staff', password });
    const signIn = async () => (await call<Session>('', 'POST', '/auth/login', { email, password })).accessToken;
    return { owner, id, staff: await signIn(), signIn };
  }
  type Cast = Awaited<ReturnType<typeof cast>>;

  interface Revocation {
    /** The credential that is revoked; the staff's session when absent. */
    readonly credential?: (cast: Cast) => Promise<string>;
    readonly revoke: (cast: Cast) => Promise<unknown>;
    readonly status: 401 | 403;
    /** Where the credential stays good: which of the calls it may no longer make. */
    readonly loses?: 'read' | 'write';
  }
  const revocations: Record<string, Revocation> = {
    'a logout': { revoke: ({ staff }) => call(staff, 'POST', '/auth/logout', {}), status: 401 },
    'a session that another device ends': {
      revoke: async ({ signIn }) => call(await signIn(), 'POST', '/auth/sessions/revoke-others'),
      status: 401,
    },
    'a deactivated user': { revoke: ({ owner, id }) => call(owner, 'DELETE', `/users/${id}`), status: 401 },
    'a change of password': {
      revoke: ({ owner, id }) => call(owner, 'PATCH', `/users/${id}`, { password: 'another long password' }),
      status: 401,
    },
    'a role that is taken away': {
      revoke: ({ owner, id }) => call(owner, 'PATCH', `/users/${id}`, { role: 'viewer' }),
      status: 403,
      loses: 'write',
    },
    'locations that a user is kept to': {
      revoke: async ({ owner, id }) => {
        const soho = await call<{ id: string }>(owner, 'POST', '/locations', { name: 'Soho' });
        await call(owner, 'PATCH', `/users/${id}`, { locationIds: [soho.id] });
      },
      status: 403,
      loses: 'read',
    },
    'a revoked API key': {
      credential: async ({ owner }) => {
        const scopes = ['orders:read', 'analytics:read', 'customers:write'];
        return (await call<{ secret: string }>(owner, 'POST', '/api-keys', { name: 'Till', scopes })).secret;
      },
      revoke: async ({ owner }) => {
        const { items } = await call<{ items: { id: string }[] }>(owner, 'GET', '/api-keys');
        await call(owner, 'DELETE', `/api-keys/${items[0]?.id}`);
      },
      status: 401,
    },
  };

  it.each(Object.entries(revocations))('by %s', async (_, { credential, revoke, status, loses }) => {
    const people = await cast();
    const token = credential ? await credential(people) : people.staff;
    // Each replica by itself, and whichever haproxy chooses.
    const entries = [...fleet.replicas.map(({ url }) => url), fleet.haproxy.url];
    const streams = [];
    for (const url of entries) streams.push(await openStreams(url, token));

    // Two answers that the replicas keep: of a query for all of a tenant, and of an idempotency key.
    const read = { path: '/analytics/summary', token };
    const write = {
      method: 'POST',
      path: '/customers',
      token,
      body: { name: 'Cora' },
      headers: { 'idempotency-key': 'cora' },
    };
    const etags = await Promise.all(entries.map(async (url) => (await rest(url, read)).headers.get('etag') ?? ''));
    const kept = entries.flatMap((url, index) => [
      ...(loses === 'write' ? [] : [{ url, ...read, headers: { 'if-none-match': etags[index]! } }]),
      ...(loses === 'read' ? [] : [{ url, ...write }]),
    ]);
    for (const { url, ...one } of kept) await rest(url, one);
    for (const { url, ...one } of kept) {
      const { status: before, headers } = await rest(url, one);
      expect([before, headers.get('idempotency-replayed')]).toEqual(
        one.path === read.path ? [304, null] : [201, 'true'],
      );
    }

    await revoke(people);
    const start = performance.now();
    const took = (times: readonly number[]) => Math.max(...times) - start;
    const refused = kept.map(async ({ url, ...one }) => {
      for (;;) {
        const answer = await rest(url, one);
        if (answer.status === status) return performance.now();
        await sleep(40);
      }
    });
    const closed = Promise.all(streams.map(async (one) => Object.values(await one.closed())));
    expect(took((await closed).flat()), 'until the last stream ended').toBeLessThan(boundMs);
    expect(took(await Promise.all(refused)), 'until the last refusal').toBeLessThan(boundMs);

    for (const one of streams)
      expect([one.socketCode(), one.eventCodes()]).toEqual([
        4401,
        { restEvents: 'UNAUTHENTICATED', trpcEvents: 'UNAUTHENTICATED' },
      ]);
    for (const { url, ...one } of kept) expect((await rest(url, one)).status).toBe(status);
    const isLetIn = status === 403;
    for (const one of streams) expect(await one.reopens()).toEqual([isLetIn, isLetIn, isLetIn]);
  });
});
