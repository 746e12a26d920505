import { sql, type Database } from '@olympus/database';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kinds, newTenant, type Installation } from '../events/testing/installation.ts';
import { expire } from './expiry.ts';

const day = 86_400_000;

describe.each(kinds)('expiry on %s', (_, install) => {
  let installation: Installation;
  let database: Database;
  beforeAll(async () => {
    installation = await install();
    ({ database } = installation);
  });
  afterAll(() => installation.remove());
  const at = (ms: number) => ({ now: () => new Date(ms) });
  const run = (statement: ReturnType<typeof sql>) => database.systemDb.rows<{ name: string }>(statement);

  it('deletes what is over, many at a time, and nothing else', async () => {
    const now = Date.now();
    const tenant = newTenant();
    await run(sql`
      insert into idempotency_keys (tenant_id, principal, key, procedure, input_hash, answer, created_at, expires_at)
      select ${tenant}::uuid, 'user', n::text, 'p', '', '{}', now(),
             ${new Date(now)}::timestamptz + case when n <= 2500 then interval '-1 second' else interval '1 second' end
      from generate_series(1, 2501) n`);
    await run(
      sql`insert into tenants (id, name, time_zone, currency, created_at) values (${tenant}::uuid, 'T', 'UTC', 'GBP', now())`,
    );
    await run(sql`
      insert into users (tenant_id, id, email, name, role, password_hash, created_at, updated_at)
      values (${tenant}::uuid, ${tenant}::uuid, ${`${tenant}@shop.test`}, 'U', 'owner', '', now(), now())`);
    const token = (name: string, expiresAt: number) =>
      run(sql`
        insert into refresh_tokens (tenant_id, id, user_id, family_id, token_hash, created_at, expires_at)
        values (${tenant}::uuid, ${newTenant()}::uuid, ${tenant}::uuid, ${tenant}::uuid, ${name + tenant}, now(), ${new Date(expiresAt)})`);
    await token('old', now - 8 * day);
    await token('spent lately', now - 6 * day);
    await token('good', now + day);
    const session = (expiresAt: number) =>
      run(sql`
        insert into sessions (tenant_id, id, user_id, device, address, created_at, last_used_at, expires_at)
        values (${tenant}::uuid, ${newTenant()}::uuid, ${tenant}::uuid, 'D', 'A', now(), now(), ${new Date(expiresAt)})`);
    await session(now - 8 * day);
    await session(now - 6 * day);
    const link = (hash: string, expiresAt: number) =>
      run(sql`
        insert into mail_tokens (tenant_id, id, user_id, purpose, email, token_hash, created_at, expires_at)
        values (${tenant}::uuid, ${newTenant()}::uuid, ${tenant}::uuid, 'verifyEmail', '', ${hash}, now(), ${new Date(expiresAt)})`);
    await link('over', now - 1);
    await link('good', now + day);
    await run(sql`insert into sign_in_failures (key, count, expires_at) values ('over', 1, ${new Date(now - 1)})`);
    await run(sql`insert into sign_in_failures (key, count, expires_at) values ('fresh', 1, ${new Date(now + day)})`);
    await run(sql`
      insert into access_changes (tenant_id, kind, subject_id, changed_at)
      values (${tenant}::uuid, 'user', ${tenant}::uuid, now() - interval '3 hours'),
             (${tenant}::uuid, 'user', ${tenant}::uuid, now())`);
    await run(sql`
      insert into pending_sign_ins (state_hash, provider, redirect_uri, expires_at)
      values (${`${tenant} over`}, 'P', 'R', ${new Date(now - 1)}), (${`${tenant} fresh`}, 'P', 'R', ${new Date(now + day)})`);
    const accounts = { refreshTokens: 1, sessions: 1, mailTokens: 1, signInFailures: 1, accessChanges: 1, signIns: 1 };
    const consumed = { consumedEvents: 0, replays: 0, webhookDeliveries: 0, notifications: 0 };
    const over = { idempotencyKeys: 2500, ...accounts, ...consumed };
    expect(await expire(database, at(now))).toEqual(over);
    expect(await run(sql`select key as name from idempotency_keys where tenant_id = ${tenant}::uuid`)).toEqual([
      { name: '2501' },
    ]);
    const left = await run(
      sql`select token_hash as name from refresh_tokens where tenant_id = ${tenant}::uuid order by expires_at`,
    );
    expect(left.map(({ name }) => name.replace(tenant, ''))).toEqual(['spent lately', 'good']);
    const nothing = Object.fromEntries(Object.keys(over).map((name) => [name, 0]));
    expect(await expire(database, at(now))).toEqual(nothing);
  });
});
