import type { AuditHead } from '@olympus/contracts';
import { array, sql, type SQL } from '@olympus/database';
import { bytesOf, hashOf, hexOf } from './chain.ts';
import { entryColumns, headColumns, toEntry, toHead, type EntryRow, type HeadRow } from './rows.ts';

interface Runner {
  rows<R extends object>(statement: SQL): Promise<R[]>;
}

/** Written into the statement, since a plan for any number would read the whole table. */
export const sealBatch = 500;

/**
 * Gives up to `sealBatch` committed entries their sequences and hashes, in each tenant after its head. Resolves to how
 * many. Meant for one process at a time; should two ever do it, one statement fails: the trigger lets no entry be sealed twice,
 * and no sequence is given twice.
 */
export async function sealEntries(db: Runner, now: Date): Promise<number> {
  const rows = await db.rows<EntryRow & { tenantId: string }>(sql`
    select e.tenant_id as "tenantId", ${entryColumns} from audit_entries e
    where e.sequence is null order by e.id limit ${sql.raw(String(sealBatch))}`);
  if (rows.length === 0) return 0;
  const heads = await headsOf(db, [...new Set(rows.map(({ tenantId }) => tenantId))]);
  const sealed = rows.map((row) => {
    const head = heads.get(row.tenantId) ?? toHead(row.tenantId, undefined);
    const sequence = head.sequence + 1;
    const hash = hexOf(hashOf(bytesOf(head.hash), { ...toEntry(row), sequence }));
    heads.set(row.tenantId, { ...head, sequence, hash });
    return { tenantId: row.tenantId, id: row.id, sequence, hash };
  });
  const entry = (name: keyof (typeof sealed)[number]) => array(sealed.map((one) => one[name]));
  const ends = [...heads];
  const end = (name: 'sequence' | 'hash' | 'startHash') => array(ends.map(([, head]) => head[name]));
  await db.rows(sql`
    with sealed as (
      update audit_entries e set sequence = s.sequence, hash = decode(s.hash, 'hex')
      from unnest(${entry('tenantId')}::uuid[], ${entry('id')}::uuid[], ${entry('sequence')}::bigint[], ${entry('hash')}::text[])
        as s (tenant_id, id, sequence, hash)
      where e.tenant_id = s.tenant_id and e.id = s.id)
    insert into audit_heads (tenant_id, sequence, hash, sealed_at, start_sequence, start_hash)
    select n.tenant_id, n.sequence, decode(n.hash, 'hex'), ${now}, 0, decode(n.start_hash, 'hex')
    from unnest(${array(ends.map(([tenantId]) => tenantId))}::uuid[], ${end('sequence')}::bigint[], ${end('hash')}::text[],
                ${end('startHash')}::text[]) as n (tenant_id, sequence, hash, start_hash)
    order by n.tenant_id
    on conflict (tenant_id) do update
      set sequence = excluded.sequence, hash = excluded.hash, sealed_at = excluded.sealed_at`);
  return rows.length;
}

async function headsOf(db: Runner, tenantIds: readonly string[]): Promise<Map<string, AuditHead>> {
  const rows = await db.rows<HeadRow & { tenantId: string }>(sql`
    select h.tenant_id as "tenantId", ${headColumns} from audit_heads h where h.tenant_id = any(${array(tenantIds)}::uuid[])`);
  return new Map(rows.map(({ tenantId, ...row }) => [tenantId, toHead(tenantId, row)]));
}
