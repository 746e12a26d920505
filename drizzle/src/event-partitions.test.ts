import { randomBytes } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { afterAll, describe, expect, it } from 'vitest';
import { openDatabase, sql, type DatabaseOptions } from './index.ts';
import { createServerDatabase, serverUrl, tenantA, tenantB } from './testing/databases.ts';

const own = join(import.meta.dirname, '../migrations');
const tag = /_event_partitions$/;
const scratch = mkdtempSync(join(tmpdir(), 'olympus-partitions-'));
const cleanups: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const cleanup of cleanups.toReversed()) await cleanup();
  rmSync(scratch, { recursive: true, force: true });
});

/** The migrations that came before. */
function earlier(): string {
  const folder = join(scratch, 'migrations');
  cpSync(own, folder, { recursive: true });
  const path = join(folder, 'meta/_journal.json');
  const journal = JSON.parse(readFileSync(path, 'utf8')) as { entries: { tag: string }[] };
  const entries = journal.entries.slice(
    0,
    journal.entries.findIndex((entry) => tag.test(entry.tag)),
  );
  writeFileSync(path, JSON.stringify({ ...journal, entries }));
  return folder;
}

/** A database whose owner is no superuser, as in production, and so is held to the policies. */
async function ownedByAPlainLogin(): Promise<DatabaseOptions> {
  const server = await createServerDatabase();
  const login = `olympus_owner_${randomBytes(4).toString('hex')}`;
  const admin = postgres(server.url, { max: 1, onnotice: () => {} });
  const { database } = admin.options;
  await admin.unsafe(`create role ${login} login createrole password 'secret'`);
  await admin.unsafe(`grant olympus_app, olympus_system to ${login}`);
  await admin.unsafe(`alter database ${database} owner to ${login}`);
  await admin.unsafe(`alter schema public owner to ${login}`);
  const url = new URL(server.url);
  url.username = login;
  url.password = 'secret';
  url.host = '127.0.0.1';
  cleanups.push(async () => {
    await server.drop();
    const last = postgres(serverUrl ?? '', { max: 1, onnotice: () => {} });
    await last.unsafe(`drop role ${login}`);
    await Promise.all([admin.end(), last.end()]);
  });
  return { url: url.href };
}

const kinds: [string, () => Promise<DatabaseOptions>][] = [
  ['embedded', async () => ({ dataDir: join(scratch, 'db') })],
  ...(serverUrl ? [['PostgreSQL', ownedByAPlainLogin] as [string, typeof ownedByAPlainLogin]] : []),
];

describe.each(kinds)('the migration to partitions on %s', (_, place) => {
  it('keeps every event, its position, its epoch and where each log begins', async () => {
    const options = await place();
    const before = await openDatabase({ ...options, migrationsFolder: earlier() });
    const all = sql`select sequence, tenant_id, position, payload, created_at from events order by sequence`;
    await before.systemDb.rows(sql`
      insert into events (tenant_id, position, topic, type, version, payload, created_at)
      select case n % 2 when 0 then ${tenantA}::uuid else ${tenantB}::uuid end, case when n > 4 and n < 99 then (n + 1) / 2 end,
             'orders', 'orders.imported', 1, jsonb_build_object('orders', n), now() from generate_series(1, 100) n`);
    await before.systemDb.rows(sql`delete from events where sequence <= 4`);
    await before.systemDb.rows(sql`
      insert into event_heads (tenant_id, epoch, position)
      values (${tenantA}::uuid, 'a', 49), (${tenantB}::uuid, 'b', 49), (${'01890000-0000-7000-8000-00000000000c'}::uuid, 'c', 7)`);
    const kept = await before.systemDb.rows(all);
    expect(kept).toHaveLength(96);
    await before.close();

    const after = await openDatabase(options);
    cleanups.push(() => after.close());
    expect(await after.systemDb.rows(all)).toEqual(kept);
    expect(await after.systemDb.rows(sql`select epoch, position, oldest from event_heads order by epoch`)).toEqual([
      { epoch: 'a', position: '49', oldest: '3' },
      { epoch: 'b', position: '49', oldest: '3' },
      { epoch: 'c', position: '7', oldest: '8' },
    ]);
    // What comes next follows what was there, here and in the segments to come.
    const add = () =>
      after.transaction(tenantA, (db) =>
        db.rows<{ sequence: string; part: string }>(sql`
          insert into events (tenant_id, topic, type, version, payload, created_at)
          values (${tenantA}::uuid, 'orders', 'orders.imported', 1, '{}', now()) returning sequence`),
      );
    expect(await add()).toEqual([{ sequence: '101' }]);
    await after.systemDb.rows(sql`select event_segment_next()`);
    expect(await add()).toEqual([{ sequence: String(2 ** 28) }]);
    await after.systemDb.rows(sql`select event_segment_add(2)`);
    await after.systemDb.rows(sql`select event_segment_drop(0)`);
    expect(await after.tenant(tenantA).rows(sql`select sequence from events`)).toEqual([{ sequence: String(2 ** 28) }]);
    expect(await after.tenant(tenantB).rows(sql`select sequence from events`)).toEqual([]);
  });
});
