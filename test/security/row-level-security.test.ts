import { openDatabase, sql, type Database } from '@olympus/database';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readConfig } from '@olympus/server/config.ts';
import { startApp } from '@olympus/server/app.ts';
import { createStore, type Store } from '../harness.ts';
import { makers, Shop, type Resource } from './shop.ts';
import { tenantTables } from './rows.ts';

// Each test makes hundreds of calls.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });

let store: Store;
/** One connection for all calls, which every tenant leaves to the next. */
let database: Database;
let a: Shop;
let b: Shop;
let tables: string[];

beforeAll(async () => {
  store = await createStore();
  const config = readConfig({
    HOST: '127.0.0.1',
    PORT: '0',
    LOG_LEVEL: 'silent',
    OLYMPUS_SEED_DEMO: 'off',
    RATE_LIMITS: 'off',
    ...store.env,
  });
  const app = await startApp(config);
  [a, b] = await Promise.all([Shop.open(app), Shop.open(app)]);
  for (const resource of Object.keys(makers) as Resource[]) await Promise.all([a.id(resource), b.id(resource)]);
  await app.close();
  database = await openDatabase({ ...config.database, poolSize: 1, stallTimeoutMs: 30_000, queryTimeoutMs: 30_000 });
  tables = await tenantTables(database);
});
afterAll(async () => {
  await database.close();
  await store.remove();
});

interface Policy {
  table: string;
  forced: boolean;
  enabled: boolean;
  of_tenant: number;
  permissive_app: number;
}

describe('row-level security', () => {
  it('is enabled and forced on every table, with one policy for tenants that compares the tenant', async () => {
    const policies = await database.app.unsafe<Policy[]>(`
      select c.relname as table, c.relrowsecurity as enabled, c.relforcerowsecurity as forced,
        (select count(*)::int from pg_policies p where p.tablename = c.relname and 'olympus_app' = any(p.roles)
          and p.qual like '%current_setting(''app.tenant_id''%') as of_tenant,
        (select coalesce(max(n), 0)::int from (
          select count(*) as n from unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE']) as command
          join pg_policies p on p.cmd in (command, 'ALL') and p.tablename = c.relname and p.permissive = 'PERMISSIVE'
            and ('olympus_app' = any(p.roles) or 'public' = any(p.roles))
          group by command) by_command) as permissive_app
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = 'public' and c.relkind in ('r', 'p')`);
    expect(policies.length).toBeGreaterThan(10);
    for (const { table, enabled, forced, of_tenant, permissive_app } of policies) {
      expect([enabled, forced], table).toEqual([true, true]);
      // Policies of one role for one command add up: a second one could only open what the first one closes.
      expect(permissive_app, table).toBeLessThanOrEqual(1);
      if (tables.includes(table)) expect(of_tenant, table).toBe(1);
    }
  });

  it('cannot be left: the roles own nothing, log in nowhere, and bypass nothing', async () => {
    const roles = await database.app.unsafe<Record<string, unknown>[]>(`
      select rolname, rolsuper or rolbypassrls or rolcanlogin or rolcreaterole or rolcreatedb as powerful,
        (select count(*)::int from pg_class where relowner = r.oid and relnamespace = 'public'::regnamespace) as owned
      from pg_roles r where rolname in ('olympus_app', 'olympus_system') order by 1`);
    expect(roles.map((role) => ({ ...role }))).toEqual([
      { rolname: 'olympus_app', powerful: false, owned: 0 },
      { rolname: 'olympus_system', powerful: false, owned: 0 },
    ]);
    const views = await database.app.unsafe(`
      select relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = 'public' and relkind in ('v', 'm') and not coalesce(reloptions::text like '%security_invoker=true%', false)`);
    expect([...views]).toEqual([]);
  });

  it('has unique keys that begin with the tenant, but for those that are found before the tenant is known', async () => {
    const keys = await database.app.unsafe<{ name: string; first: string }[]>(`
      select i.relname as name, a.attname as first
      from pg_index x join pg_class i on i.oid = x.indexrelid join pg_class t on t.oid = x.indrelid
      join pg_namespace n on n.oid = t.relnamespace
      left join pg_attribute a on a.attrelid = t.oid and a.attnum = x.indkey[0]
      where n.nspname = 'public' and x.indisunique and not t.relispartition and exists
        (select from pg_attribute c where c.attrelid = t.oid and c.attname = 'tenant_id') order by 1`);
    const elsewhere = keys.filter(({ first }) => first !== 'tenant_id').map(({ name }) => name);
    // An e-mail address, a key's prefix, an issuer's subject and a token's hash tell the tenant; the outbox and word of changes are in one
    // order for all.
    const known = new Set([
      'access_changes_pkey',
      'api_keys_prefix',
      'events_pkey',
      'identities_subject',
      'refresh_tokens_hash',
      'users_email',
    ]);
    const told =
      'a unique key without the tenant tells one tenant what another has, and is to be named here with its reason';
    expect(
      elsewhere.filter((name) => !known.has(name) && !/(_hash|_token)$/.test(name)),
      told,
    ).toEqual([]);
  });

  it('shows raw statements without a tenant nothing, and lets them write nothing', async () => {
    for (const table of tables) {
      const rows = await database.app.unsafe(`select * from ${table}`);
      expect(rows.length, table).toBe(0);
      const deletion = database.app.unsafe<{ count: number }[]>(
        `with gone as (delete from ${table} returning 1) select count(*)::int as count from gone`,
      );
      const [outcome] = await Promise.allSettled([deletion]);
      if (outcome.status === 'fulfilled') expect(outcome.value[0]?.count, table).toBe(0);
      else expect((outcome.reason as Error).message, table).toMatch(/permission denied/);
    }
    const whole = await database.systemDb.rows<{ count: number }>(sql`select count(*)::int as count from users`);
    expect(whole[0]?.count).toBeGreaterThan(1);
  });

  it('shows repositories that forget their tenant only the tenant’s rows', async () => {
    for (const table of tables)
      for (const [own, other] of [
        [a, b],
        [b, a],
      ] as const) {
        const all = await database
          .tenant(own.tenantId)
          .rows<{ tenant_id: string }>(sql`select tenant_id from ${sql.identifier(table)}`);
        expect(new Set(all.map((row) => row.tenant_id)).has(other.tenantId), table).toBe(false);
        const foreign = sql`select 1 from ${sql.identifier(table)} where tenant_id = ${other.tenantId}::uuid`;
        expect(await database.tenant(own.tenantId).rows(foreign), table).toEqual([]);
      }
  });

  it('takes no rows for another tenant, and gives none away', async () => {
    for (const table of tables) {
      const give = database.transaction(a.tenantId, (db) =>
        db.rows<{ count: number }>(sql`
          with given as (update ${sql.identifier(table)} set tenant_id = ${b.tenantId}::uuid returning 1)
          select count(*)::int as count from given`),
      );
      const [outcome] = await Promise.allSettled([give]);
      if (outcome.status === 'fulfilled') expect(outcome.value[0]?.count, table).toBe(0);
      else expect((outcome.reason as Error).message, table).toMatch(/row-level security|foreign key|permission denied/);
    }
  });

  it('keeps 2,000 interleaved calls of two tenants apart on one connection', async () => {
    let foreign = 0;
    let seen = 0;
    const read = async (shop: Shop, n: number) => {
      const rows = await (n % 100 === 0
        ? database.transaction(shop.tenantId, (db) =>
            db.rows<{ tenant_id: string }>(sql`select tenant_id from customers`),
          )
        : database.tenant(shop.tenantId).rows<{ tenant_id: string }>(sql`select tenant_id from customers`));
      seen += rows.length;
      foreign += rows.filter((row) => row.tenant_id !== shop.tenantId).length;
    };
    for (let n = 0; n < 2_000; n += 500)
      await Promise.all(Array.from({ length: 500 }, (_, at) => read(at % 2 ? a : b, n + at)));
    expect(foreign).toBe(0);
    expect(seen).toBeGreaterThanOrEqual(2_000);
  });
});
