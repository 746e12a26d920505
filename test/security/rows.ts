import { sql, type Database } from '@olympus/database';

/** Written by the relay and by jobs whenever they find the time, so that they say nothing of what a call did. */
const byTheClock = new Set([
  'event_heads',
  'product_months',
  'stale_months',
  'audit_entries',
  'audit_heads',
  'file_removals',
  'uploads',
  'consumer_offsets',
  'consumed_events',
  'consumer_deliveries',
  'webhook_deliveries',
  'notifications',
  'notification_inboxes',
  'low_stock_marks',
]);

/** The events that consumers add when they find the time. */
const byConsumers = (table: string) => (table === 'events' ? sql`and type <> 'notifications.created'` : sql``);

const known = new WeakMap<Database, Promise<string[]>>();

/** Tables that hold rows of tenants, from the catalogue. */
export function tenantTables(database: Database): Promise<string[]> {
  let tables = known.get(database);
  if (!tables) known.set(database, (tables = readTables(database)));
  return tables;
}

async function readTables(database: Database): Promise<string[]> {
  const rows = await database.app.unsafe<{ name: string }[]>(`
    select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
    where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition order by 1`);
  return rows.map(({ name }) => name);
}

/** What a tenant has in each table: how many rows, and a digest of them, without what the sender of webhooks notes. */
export async function rowsOf(
  database: Database,
  tenantId: string,
): Promise<Record<string, { count: number; digest: string | null }>> {
  await eventsPlaced(database, tenantId);
  const tables = (await tenantTables(database)).filter((table) => !byTheClock.has(table));
  return database.transaction(tenantId, async (db) => {
    const found: Record<string, { count: number; digest: string | null }> = {};
    for (const table of tables) {
      const [row] = await db.rows<{ count: number; digest: string | null }>(sql`
        select count(*)::int as count, md5(string_agg(j.text, '|' order by j.text)) as digest
        from ${sql.identifier(table)} t, lateral (select (to_jsonb(t) - 'failing_since')::text as text) j
        where tenant_id = ${tenantId}::uuid ${byConsumers(table)}`);
      if (row) found[table] = { count: row.count, digest: row.digest };
    }
    return found;
  });
}

/** How many rows a tenant has in each table, at this moment. */
export async function countsOf(database: Database, tenantId: string): Promise<Record<string, number>> {
  const tables = (await tenantTables(database)).filter((table) => !byTheClock.has(table));
  const counts = tables.map(
    (table) =>
      sql`select ${table} as name, count(*)::int as count from ${sql.identifier(table)}
          where tenant_id = ${tenantId}::uuid ${byConsumers(table)}`,
  );
  const rows = await database
    .tenant(tenantId)
    .rows<{ name: string; count: number }>(sql`select * from (${sql.join(counts, sql` union all `)}) counted`);
  return Object.fromEntries(rows.map(({ name, count }) => [name, count]));
}

/** How many rows more there are, by table, where there are. */
export const growth = (before: Record<string, number>, after: Record<string, number>): Record<string, number> =>
  Object.fromEntries(
    Object.entries(after)
      .map(([table, count]): [string, number] => [table, count - (before[table] ?? 0)])
      .filter(([, more]) => more !== 0),
  );

/** Waits until the relay has given every event of the tenant its place: it writes it into the event's row. */
async function eventsPlaced(database: Database, tenantId: string): Promise<void> {
  const until = performance.now() + 10_000;
  for (;;) {
    const [row] = await database.tenant(tenantId).rows<{ waiting: number }>(sql`
        select count(*)::int as waiting from events where tenant_id = ${tenantId}::uuid and position is null`);
    if (row?.waiting === 0) return;
    if (performance.now() > until) throw new Error('the relay places no events');
    await new Promise((next) => setTimeout(next, 5));
  }
}
