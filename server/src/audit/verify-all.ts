import type { AuditHead } from '@olympus/contracts';
import { sql, type Database, type SystemDb } from '@olympus/database';
import { bytesOf, hexOf } from './chain.ts';
import { readHead, verifyChain } from './verify.ts';

/** How the whole chain of one tenant stands. */
export interface ChainReport {
  readonly tenantId: string;
  readonly checked: number;
  readonly brokenAt: number | null;
  readonly reason: string | null;
  readonly head: AuditHead;
}

/** A head that somebody kept elsewhere. */
export interface KeptHead {
  readonly sequence: number;
  readonly hash: string;
}

/** Checks whole chains, one after the other: of one tenant, or of all that have any entry. */
export async function* verifyAll(
  { systemDb }: Pick<Database, 'systemDb'>,
  { tenantId, kept }: { tenantId?: string; kept?: KeptHead } = {},
): AsyncGenerator<ChainReport> {
  for (const tenant of tenantId === undefined ? await tenantsOf(systemDb) : [tenantId]) {
    const { checked, brokenAt, reason, head } = await verifyChain(systemDb, { tenantId: tenant, limit: Infinity });
    const fault = brokenAt === null && kept ? await keptFault(systemDb, tenant, kept) : null;
    yield {
      tenantId: tenant,
      checked,
      brokenAt: fault ? kept!.sequence : brokenAt,
      reason: fault ?? reason,
      head,
    };
  }
}

async function tenantsOf(db: SystemDb): Promise<string[]> {
  const rows = await db.rows<{ tenantId: string }>(sql`
    select tenant_id as "tenantId" from audit_heads
    union select distinct tenant_id from audit_entries where sequence is not null
    order by 1`);
  return rows.map(({ tenantId }) => tenantId);
}

/** A chain that was rewritten whole fits together, but not with what was known of it before. */
async function keptFault(db: SystemDb, tenantId: string, { sequence, hash }: KeptHead): Promise<string | null> {
  const head = await readHead(db, tenantId);
  if (sequence < head.startSequence) return null;
  const [row] = await db.rows<{ hash: Uint8Array }>(sql`
    select hash from audit_entries
    where tenant_id = ${tenantId}::uuid and sequence = ${sequence}::bigint and sequence is not null
    union all select start_hash from audit_heads
    where tenant_id = ${tenantId}::uuid and start_sequence = ${sequence}::bigint`);
  if (!row) return 'the entry that was the head is missing';
  return hexOf(row.hash) === hexOf(bytesOf(hash)) ? null : 'the hash is another than the one that was kept';
}
