import { sql, type Database, type SystemDb } from '@olympus/database';
import type { Clock } from '../platform/clock.ts';
import type { Ids } from '../platform/ids.ts';
import { ownEntry } from './entry.ts';
import { insertEntry } from './rows.ts';
import { retentionProcedure } from './verify.ts';

export interface Retiring {
  readonly database: Pick<Database, 'systemDb' | 'systemTransaction'>;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly days: number;
}

const dayMs = 86_400_000;
/** Rows of one statement: few enough that nobody has to wait for it on the embedded database. */
const batch = 1000;

/**
 * Drops the entries older than `days` from the beginning of each chain. A checkpoint takes their place: the head keeps the
 * last hash that goes, and an entry of the chain itself tells it, so that nobody can cut the log unseen. Resolves to how
 * many went. Several processes may do so at once.
 */
export async function dropOldEntries({ database, clock, ids, days }: Retiring): Promise<number> {
  const now = clock.now();
  const before = new Date(now.getTime() - days * dayMs);
  for (const tenantId of await tenantsWithOld(database.systemDb, before))
    await database.systemTransaction(async (db) => {
      const cut = await cutOf(db, tenantId, before);
      if (!cut) return;
      await db.rows(sql`
        update audit_heads set start_sequence = ${cut.sequence}, start_hash = decode(${cut.hash}, 'hex')
        where tenant_id = ${tenantId}::uuid`);
      const after = { sequence: Number(cut.sequence), hash: cut.hash };
      const facts = { tenantId, id: ids.next(), createdAt: now };
      insertEntry(db, ownEntry({ ...facts, procedure: retentionProcedure, input: { days }, after }));
    });
  for (let total = 0; ;) {
    const dropped = await dropBatch(database.systemDb);
    total += dropped;
    if (dropped < batch) return total;
  }
}

async function tenantsWithOld(db: SystemDb, before: Date): Promise<string[]> {
  const rows = await db.rows<{ tenantId: string }>(sql`
    select h.tenant_id as "tenantId" from audit_heads h
    join lateral (
      select e.created_at from audit_entries e
      where e.tenant_id = h.tenant_id and e.sequence > h.start_sequence and e.sequence is not null
      order by e.sequence limit 1) first on first.created_at < ${before}`);
  return rows.map(({ tenantId }) => tenantId);
}

/** The last of the entries at the beginning that are all old; the lock keeps another process from the same cut. */
async function cutOf(db: SystemDb, tenantId: string, before: Date): Promise<{ sequence: string; hash: string } | null> {
  const [head] = await db.rows<{ sequence: string; start: string }>(sql`
    select sequence, start_sequence as start from audit_heads where tenant_id = ${tenantId}::uuid for no key update`);
  if (!head) return null;
  const ofTenant = sql`tenant_id = ${tenantId}::uuid and sequence is not null and sequence > ${head.start}::bigint`;
  const [young] = await db.rows<{ sequence: string }>(sql`
    select sequence from audit_entries where ${ofTenant} and created_at >= ${before} order by sequence limit 1`);
  const [cut] = await db.rows<{ sequence: string; hash: string }>(sql`
    select sequence, encode(hash, 'hex') as hash from audit_entries
    where ${ofTenant} and sequence < ${young?.sequence ?? String(Number(head.sequence) + 1)}::bigint
    order by sequence desc limit 1`);
  return cut ?? null;
}

async function dropBatch(db: SystemDb): Promise<number> {
  const [row] = await db.rows<{ count: number }>(sql`
    with dropped as (
      delete from audit_entries where (tenant_id, id) in (
        select e.tenant_id, e.id from audit_heads h
        cross join lateral (
          select tenant_id, id from audit_entries
          where tenant_id = h.tenant_id and sequence <= h.start_sequence and sequence is not null
          order by sequence limit ${sql.raw(String(batch))}) e
        where h.start_sequence > 0
        limit ${sql.raw(String(batch))})
      returning 1)
    select count(*)::int as count from dropped`);
  return row?.count ?? 0;
}
