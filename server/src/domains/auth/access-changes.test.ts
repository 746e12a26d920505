import { contracts, type Session } from '@olympus/contracts';
import { sql } from '@olympus/database';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AccessChange } from '../../kernel/steps/authenticate.ts';
import { credentialWatch } from '../../transports/credential-watch.ts';
import { callerWith, nobodyFollows, procedures, startTestKernel, type TestKernel } from '../testing.ts';
import { users } from '../users/procedures.ts';
import { createAccessChanges } from './access-changes.ts';

let olympus: TestKernel;
beforeAll(async () => {
  olympus = await startTestKernel({
    databaseUrl: process.env['TEST_DATABASE_URL'],
    procedures: ({ cursors, auth }) =>
      procedures('users', contracts.users, users({ cursors, account: auth.account, follow: nobodyFollows })),
  });
});
afterAll(() => olympus.close());

const by = ({ accessToken }: Session) => ({ token: accessToken });

test('among 10,000 open credentials the revoked one ends within a second, and no other', async () => {
  const { user, accessToken } = await olympus.register();
  const principal = await olympus.auth.authenticator.principalOf(accessToken);
  if (!principal) throw new Error('nobody signed in');
  const { tenantId, timeZone, currency } = principal;
  const sessions = await olympus.database.systemTransaction((db) =>
    db.rows<{ id: string }>(sql`
      insert into sessions (tenant_id, id, user_id, device, address, created_at, last_used_at, expires_at)
      select ${tenantId}::uuid, gen_random_uuid(), ${user.id}::uuid, 'Till', '127.0.0.1', now(), now(),
             now() + interval '1 day'
      from generate_series(1, 10000) returning id`),
  );
  const watch = credentialWatch(olympus.kernel);
  const ended: string[] = [];
  let endedAt = Infinity;
  const stops = await Promise.all(
    sessions.map(async ({ id: sessionId }) => {
      const grant = { userId: user.id, tenantId, role: 'owner' as const, sessionId, timeZone, currency };
      const token = await olympus.auth.tokens.issue(grant);
      const own = { ...principal, sessionId };
      return watch.watch(callerWith(token), own, () => {
        ended.push(sessionId);
        endedAt = performance.now();
      });
    }),
  );
  const last = sessions.at(-1)?.id ?? '';
  const revoke = sql`update sessions set ended_at = now() where id = ${last}::uuid`;
  await olympus.database.transaction(tenantId, (db) => db.rows(revoke));
  const start = performance.now();
  await expect.poll(() => ended.length, { timeout: 5_000 }).toBe(1);
  expect(ended).toEqual([last]);
  expect(endedAt - start).toBeLessThan(1_000);
  for (const stop of stops) stop();
});

describe('word of changes', () => {
  const listen = () => {
    const heard: AccessChange[] = [];
    const stop = olympus.auth.changes.subscribe((change) => void heard.push(change));
    return { heard, stop };
  };

  test('comes from whatever changes the tables, and from nothing that does not matter', async () => {
    const owner = await olympus.register();
    const email = `${crypto.randomUUID()}@shop.test`;
    const input = { email, name: 'N', role: 'staff', password: 'correct horse battery' };
    const { id } = await olympus.call<{ id: string }>('users.create', input, by(owner));
    const { heard, stop } = listen();
    heard.length = 0;
    const mine = () => heard.filter((change) => change.id === id).length;
    await olympus.call('users.update', { id, name: 'M' }, by(owner));
    await olympus.call('users.update', { id, role: 'viewer' }, by(owner));
    await expect.poll(mine).toBe(1);
    await olympus.call('users.deactivate', { id }, by(owner));
    await expect.poll(mine).toBe(2);
    stop();
  });

  test('comes when the link with an identity elsewhere is taken away', async () => {
    const { user, accessToken } = await olympus.register();
    const { tenantId } = (await olympus.auth.authenticator.principalOf(accessToken)) ?? {};
    const { systemDb } = olympus.database;
    await systemDb.rows(sql`
      insert into identities (tenant_id, issuer, subject, user_id, created_at)
      values (${tenantId}::uuid, 'elsewhere', ${user.id}, ${user.id}::uuid, now())`);
    const { heard, stop } = listen();
    await systemDb.rows(sql`delete from identities where subject = ${user.id}`);
    await expect.poll(() => heard.filter(({ id }) => id === user.id)).toEqual([{ kind: 'user', id: user.id }]);
    stop();
  });

  test('is not passed over where a transaction that began earlier commits later', async () => {
    const owner = await olympus.register();
    const { heard, stop } = listen();
    const principal = await olympus.auth.authenticator.principalOf(owner.accessToken);
    const { tenantId = '', sessionId } = principal ?? {};
    const revoke = sql`update sessions set ended_at = now() where id = ${sessionId}::uuid`;
    const other = await olympus.register();
    if (olympus.database.kind === 'embedded') {
      await olympus.database.transaction(tenantId, (db) => db.rows(revoke));
    } else {
      // While it is open, another change commits and is read.
      await olympus.database.transaction(tenantId, async (db) => {
        await db.rows(revoke);
        await olympus.call('auth.logout', {}, by(other));
        await expect.poll(() => heard.filter(({ kind }) => kind === 'session').length).toBeGreaterThan(0);
        expect(heard.some(({ id }) => id === sessionId)).toBe(false);
      });
    }
    await expect.poll(() => heard.filter(({ id }) => id === sessionId)).toEqual([{ kind: 'session', id: sessionId }]);
    stop();
  });

  test('waits for a database that does not answer', async () => {
    let down = true;
    const { systemDb } = olympus.database;
    const database: Pick<typeof olympus.database, 'systemDb'> = {
      systemDb: {
        ...systemDb,
        rows: (statement) => (down ? Promise.reject(new Error('down')) : systemDb.rows(statement)),
      },
    };
    const warnings: unknown[] = [];
    const changes = createAccessChanges({
      database,
      log: { warn: (fields: unknown) => void warnings.push(fields) },
      everyMs: 20,
    });
    down = false;
    changes.start();
    const heard: AccessChange[] = [];
    changes.subscribe((change) => void heard.push(change));
    const owner = await olympus.register();
    const sessionId = (await olympus.auth.authenticator.principalOf(owner.accessToken))?.sessionId;
    down = true;
    await expect.poll(() => warnings.length).toBe(1);
    await olympus.call('auth.logout', {}, by(owner));
    down = false;
    await expect.poll(() => heard.filter(({ id }) => id === sessionId)).toHaveLength(1);
    expect(warnings).toHaveLength(1);
    await changes.stop();
  });
});
