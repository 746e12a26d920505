import postgres from 'postgres';
import { afterEach, describe, expect, it } from 'vitest';
import {
  DatabaseTimeout,
  DatabaseUnavailable,
  isUnavailable,
  openDatabase,
  pgErrorCode,
  sql,
  type Database,
  type DatabaseOptions,
} from './index.ts';
import { createServerDatabase, makeFolder, openServer, serverUrl, tenantA, tenantB } from './testing/databases.ts';
import { startProxy, type Proxy } from './testing/proxy.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function opened(options: DatabaseOptions = {}): Promise<Database> {
  const test = await openServer(options);
  cleanups.push(() => test.remove());
  return test.db;
}

async function behindProxy(options: DatabaseOptions = {}): Promise<{ db: Database; proxy: Proxy }> {
  const server = await createServerDatabase();
  cleanups.push(() => server.drop());
  const proxy = await startProxy(server.url);
  cleanups.push(() => proxy.close());
  const folder = makeFolder();
  cleanups.push(() => folder.remove());
  const db = await openDatabase({ url: proxy.url, migrationsFolder: folder.migrations, ...options });
  cleanups.push(() => db.close());
  return { db, proxy };
}

const failure = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => undefined,
    (error: unknown) => error,
  );
const pause = (milliseconds: number): Promise<void> => new Promise((done) => setTimeout(done, milliseconds));

describe.skipIf(serverUrl === undefined)('a PostgreSQL in trouble', () => {
  it('is reported within 500 ms while it is away, and used again within 5 s', async () => {
    const { db, proxy } = await behindProxy();
    await db.ping();
    await proxy.stop();
    for (let n = 0; n < 20; n++) {
      const before = performance.now();
      const error = await failure(db.tenant(tenantA).rows(sql`select 1`));
      expect(isUnavailable(error)).toBe(true);
      expect(performance.now() - before).toBeLessThan(500);
    }
    await proxy.heal();
    const healed = performance.now();
    await expect
      .poll(
        () =>
          db
            .tenant(tenantA)
            .rows(sql`select 1 as one`)
            .catch(() => []),
        { timeout: 5000, interval: 50 },
      )
      .toEqual([{ one: 1 }]);
    expect(performance.now() - healed).toBeLessThan(5000);
  });

  it('fails calls in time while it hangs, and is used again afterwards', async () => {
    const { db, proxy } = await behindProxy({ queryTimeoutMs: 1000, poolSize: 2 });
    await db.ping();
    proxy.freeze();
    const before = performance.now();
    const errors = await Promise.all(Array.from({ length: 10 }, () => failure(db.tenant(tenantA).rows(sql`select 1`))));
    expect(performance.now() - before).toBeLessThan(1500);
    expect(errors.every(isUnavailable)).toBe(true);
    expect(errors.filter((error) => error instanceof DatabaseTimeout)).toHaveLength(2);
    const writing = await failure(db.transaction(tenantA, (tx) => tx.rows(sql`select 1`)));
    expect(writing).toBeInstanceOf(DatabaseTimeout);
    await proxy.heal();
    await expect
      .poll(
        () =>
          db
            .tenant(tenantA)
            .rows(sql`select 1 as one`)
            .catch(() => []),
        { timeout: 5000, interval: 50 },
      )
      .toEqual([{ one: 1 }]);
  });

  it('never runs the rest of a broken transaction elsewhere', async () => {
    const db = await opened({ poolSize: 1 });
    const broken = failure(
      db.systemTransaction(async (tx) => {
        await tx.rows(sql`insert into counters values (1, 1)`);
        const [own] = await tx.rows<{ pid: number }>(sql`select pg_backend_pid() as pid`);
        const admin = postgres(serverUrl ?? '', { max: 1 });
        await admin`select pg_terminate_backend(${own?.pid ?? 0})`;
        await admin.end();
        await pause(100);
        for (let n = 2; n < 5; n++) await failure(tx.rows(sql`insert into counters values (${n}, 1)`));
      }),
    );
    expect(await broken).toSatisfy(isUnavailable);
    expect(await db.systemDb.rows(sql`select * from counters`)).toEqual([]);
  });

  it('says busy within 500 ms when the pool is held', async () => {
    const db = await opened({ poolSize: 2 });
    const holders = [1, 2].map(() => db.tenant(tenantA).rows(sql`select pg_sleep(1.5)`));
    await pause(50);
    const before = performance.now();
    const error = await failure(db.tenant(tenantA).rows(sql`select 1`));
    expect(performance.now() - before).toBeLessThan(500);
    expect(error).toMatchObject({ reason: 'BUSY' });
    expect(db.stats().app).toEqual({ size: 2, inUse: 2, waiting: 0 });
    await Promise.all(holders);
    expect(await db.tenant(tenantA).rows(sql`select 1 as one`)).toEqual([{ one: 1 }]);
  });

  it('ends statements and idle transactions that take too long', async () => {
    const db = await opened({ statementTimeoutMs: 200, idleTransactionMs: 200 });
    const slow = await failure(db.tenant(tenantA).rows(sql`select pg_sleep(2)`));
    expect([pgErrorCode(slow), isUnavailable(slow)]).toEqual(['57014', true]);
    const idle = await failure(db.transaction(tenantA, () => pause(500)));
    expect(isUnavailable(idle)).toBe(true);
  });

  it('hears notifications again after its connection broke', async () => {
    const { db, proxy } = await behindProxy();
    const heard: string[] = [];
    let listening = 0;
    await db.listen(
      'olympus_test',
      (payload) => heard.push(payload),
      () => listening++,
    );
    expect(listening).toBe(1);
    await proxy.stop();
    await pause(300);
    await proxy.heal();
    await expect.poll(() => listening, { timeout: 5000 }).toBe(2);
    await db.systemDb.rows(sql`select pg_notify('olympus_test', 'again')`);
    await expect.poll(() => heard).toEqual(['again']);
  });

  it('waits for a server that is not there yet', async () => {
    const server = await createServerDatabase();
    cleanups.push(() => server.drop());
    const proxy = await startProxy(server.url);
    cleanups.push(() => proxy.close());
    await proxy.stop();
    const folder = makeFolder();
    cleanups.push(() => folder.remove());
    const opening = openDatabase({ url: proxy.url, migrationsFolder: folder.migrations });
    await pause(400);
    await proxy.heal();
    const db = await opening;
    cleanups.push(() => db.close());
    await db.ping();
    await proxy.stop();
    const never = openDatabase({ url: proxy.url, migrationsFolder: folder.migrations, connectTimeoutMs: 300 });
    await expect(never).rejects.toSatisfy(isUnavailable);
  });

  it('lets running calls finish when it is closed, and refuses new ones', async () => {
    const db = await opened();
    const running = db.tenant(tenantA).rows(sql`select pg_sleep(0.2), 1 as one`);
    await pause(50);
    const closing = db.close();
    await expect(db.tenant(tenantA).rows(sql`select 1`)).rejects.toThrow(DatabaseUnavailable);
    expect(await running).toMatchObject([{ one: 1 }]);
    await closing;
  });

  it('keeps 10,000 interleaved calls of two tenants apart on one connection', async () => {
    const db = await opened({ poolSize: 1 });
    await db.systemDb.rows(sql`insert into notes (tenant_id, body) values (${tenantA}, 'a'), (${tenantB}, 'b')`);
    const call = async (n: number): Promise<boolean> => {
      const [tenant, body] = n % 3 === 0 ? [tenantA, 'a'] : [tenantB, 'b'];
      const statement = sql`select body from notes`;
      const rows =
        n % 7 === 0
          ? await db.transaction(tenant, (tx) => tx.rows<{ body: string }>(statement))
          : await db.tenant(tenant).rows<{ body: string }>(statement);
      return rows.length === 1 && rows[0]?.body === body;
    };
    for (let at = 0; at < 10_000; at += 500) {
      const answers = await Promise.all(Array.from({ length: 500 }, (_, n) => call(at + n)));
      expect(answers.every(Boolean)).toBe(true);
    }
    expect([...(await db.app`select body from notes`)]).toEqual([]);
  });
});

describe.skipIf(serverUrl === undefined)('migrations', () => {
  it('survive five starts at once on a new database, of databases in one cluster', async () => {
    const servers = await Promise.all([createServerDatabase(), createServerDatabase()]);
    for (const server of servers) cleanups.push(() => server.drop());
    const folder = makeFolder();
    cleanups.push(() => folder.remove());
    const starts = servers.flatMap(({ url }) =>
      Array.from({ length: 5 }, () => openDatabase({ url, migrationsFolder: folder.migrations })),
    );
    const databases = await Promise.all(starts);
    for (const db of databases) cleanups.push(() => db.close());
    for (const db of databases)
      expect(await db.tenant(tenantA).rows(sql`select count(*) as n from notes`)).toEqual([{ n: '0' }]);
  });

  it('make roles that can do nothing by themselves', async () => {
    const db = await opened();
    const found = await db.systemDb.rows(sql`
      select rolname, rolsuper, rolbypassrls, rolcanlogin, rolcreaterole from pg_roles where rolname like 'olympus\\_%' order by rolname`);
    const powers = { rolsuper: false, rolbypassrls: false, rolcanlogin: false, rolcreaterole: false };
    expect(found).toEqual([
      { rolname: 'olympus_app', ...powers },
      { rolname: 'olympus_system', ...powers },
    ]);
    await expect(db.app`create table mine (id int)`).rejects.toThrow(/permission denied/);
    await expect(db.app`alter table notes disable row level security`).rejects.toThrow(/must be owner/);
    await expect(db.app`select * from drizzle.__drizzle_migrations`).rejects.toThrow(/permission denied/);
  });
});
