import type { AuditEntry } from '@olympus/contracts';
import { sql } from '@olympus/database';
import { verifyChain } from '@olympus/server/audit/verify.ts';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { rest, startOlympus, type Olympus, type Session } from '../harness.ts';
import { callFrom } from './calls-from.ts';

type Entry = Pick<
  AuditEntry,
  'procedure' | 'outcome' | 'code' | 'userId' | 'resourceId' | 'input' | 'count' | 'address'
>;

const password = 'correct horse battery';
const soon = { timeout: 5000, interval: 50 };
let olympus: Olympus;
let admin: Session;
beforeAll(async () => {
  olympus = await startOlympus();
  const email = `${randomUUID()}@olympus.test`;
  await olympus.app.createAdmin({ email, name: 'Ada Admin', password });
  admin = (await rest<Session>(olympus.url, { method: 'POST', path: '/auth/login', body: { email, password } })).body;
}, 120_000);
afterAll(() => olympus.close());

const tenantOf = async ({ accessToken: token }: Session) =>
  (await rest<{ tenant: { id: string } }>(olympus.url, { path: '/auth/me', token })).body.tenant.id;
const byAdmin = (path: string) => rest<{ code?: string }>(olympus.url, { path, token: admin.accessToken });
/** The entries of a tenant, sealed, as its owner lists them. */
const listed = async ({ accessToken: token }: Session, query: string) =>
  (await rest<{ items: Entry[] }>(olympus.url, { path: `/audit?sort=sequence&${query}`, token })).body.items;
/** The platform's chain, which no procedure reaches. */
const ofPlatform = async () =>
  olympus.app.database.systemDb.rows<Entry & { sequence: string }>(sql`
    select procedure, outcome, code, input, after, sequence from audit_entries e join tenants t on t.id = e.tenant_id
    where t.platform and sequence is not null and procedure like 'tenants.%' order by sequence`);

describe('what the platform reads of tenants', () => {
  test('one of them: that tenant’s own log tells it', async () => {
    const owner = await olympus.tenant();
    const id = await tenantOf(owner);
    expect((await byAdmin(`/tenants/${id}`)).status).toBe(200);
    await expect
      .poll(() => listed(owner, 'procedure=tenants.get'), soon)
      .toMatchObject([
        { outcome: 'success', userId: admin.user.id, resourceId: id, input: { id }, before: null, after: null },
      ]);
  });

  test('all of them, or one that there is not: the platform’s own chain tells it', async () => {
    const missing = randomUUID();
    expect((await byAdmin('/tenants?q=shop&limit=5')).status).toBe(200);
    expect((await byAdmin(`/tenants/${missing}`)).status).toBe(404);
    await expect.poll(ofPlatform, soon).toMatchObject([
      { procedure: 'tenants.list', outcome: 'success', input: { q: 'shop', limit: 5 }, after: null },
      { procedure: 'tenants.get', outcome: 'failed', code: 'TENANT_NOT_FOUND', input: { id: missing } },
    ]);
    const { systemDb } = olympus.app.database;
    const tenantId = await tenantOf(admin);
    expect(await verifyChain(systemDb, { tenantId, limit: Infinity })).toMatchObject({ valid: true, brokenAt: null });
  });

  test('by somebody else: the log of their tenant tells that they were refused', async () => {
    const owner = await olympus.tenant();
    expect((await rest(olympus.url, { path: '/tenants', token: owner.accessToken })).status).toBe(403);
    await expect
      .poll(() => listed(owner, 'procedure=tenants.list'), soon)
      .toMatchObject([{ outcome: 'denied', code: 'FORBIDDEN', userId: owner.user.id }]);
  });
});

describe('a credential at an address that its tenant keeps out', () => {
  const keptOut = async () => {
    const owner = await olympus.tenant();
    const { accessToken: token } = owner;
    const body = { allow: [], block: ['127.0.0.64/28'] };
    const { status } = await callFrom(olympus.url, '/address-rules', { from: '127.0.0.1', method: 'PUT', token, body });
    expect(status).toBe(200);
    await expect
      .poll(async () => (await callFrom(olympus.url, '/auth/me', { from: '127.0.0.79', token })).status, soon)
      .toBe(403);
    return owner;
  };
  const denied = (owner: Session) => listed(owner, 'outcome=denied&limit=100');
  const at = (entries: readonly Entry[], address: string) => entries.filter((entry) => entry.address === address);

  test('leaves one entry for the address and the user, whatever and however often it calls', async () => {
    const owner = await keptOut();
    const { accessToken: token } = owner;
    const paths = ['/orders', '/products', '/auth/me', '/users', '/audit'];
    const call = (n: number) => callFrom(olympus.url, paths[n % 5]!, { from: '127.0.0.66', token });
    const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => call(n)));
    expect(new Set(answers.map(({ status, body }) => `${status} ${body.code}`))).toEqual(new Set(['403 FORBIDDEN']));
    await callFrom(olympus.url, '/orders', { from: '127.0.0.67', token });
    await expect.poll(async () => at(await denied(owner), '127.0.0.67').length, soon).toBe(1);
    expect(at(await denied(owner), '127.0.0.66')).toMatchObject([
      { outcome: 'denied', code: 'FORBIDDEN', userId: owner.user.id, count: 1, input: null },
    ]);
  });

  test('leaves one for a socket', async () => {
    const owner = await keptOut();
    const socket = new WebSocket(olympus.wsUrl, {
      localAddress: '127.0.0.70',
      headers: { authorization: `Bearer ${owner.accessToken}` },
    });
    const [, answer] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }];
    expect(answer.statusCode).toBe(403);
    await expect
      .poll(async () => at(await denied(owner), '127.0.0.70'), soon)
      .toMatchObject([{ procedure: 'socket', userId: owner.user.id }]);
  });
});
