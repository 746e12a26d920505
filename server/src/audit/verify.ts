import type { AuditEntry, AuditHead, AuditVerification } from '@olympus/contracts';
import { sql, type SQL } from '@olympus/database';
import { bytesOf, hashOf, hexOf } from './chain.ts';
import { entryColumns, headColumns, toEntry, toHead, type EntryRow, type HeadRow } from './rows.ts';

interface Runner {
  rows<R extends object>(statement: SQL): Promise<R[]>;
}

/** What the program itself writes when it drops old entries; its `after` names where the rest begins. */
export const retentionProcedure = 'audit.retention';

/** Hashing so many entries holds up nobody else for longer than a few milliseconds. */
const pageSize = 250;

export interface Range {
  readonly tenantId: string;
  /** Default: the first that is kept. */
  readonly fromSequence?: number | undefined;
  readonly limit: number;
}

export async function readHead(db: Runner, tenantId: string): Promise<AuditHead> {
  const [row] = await db.rows<HeadRow>(
    sql`select ${headColumns} from audit_heads h where h.tenant_id = ${tenantId}::uuid`,
  );
  return toHead(tenantId, row);
}

/**
 * Recomputes the hashes of a part of a tenant's chain, names the first entry that is not what was sealed, and compares
 * the end with the head. What a part builds on is checked by the part before it.
 */
export async function verifyChain(db: Runner, range: Range): Promise<AuditVerification> {
  const found = await check(db, range);
  if (found.valid) return found;
  // What retention has dropped meanwhile is no fault.
  const { startSequence } = await readHead(db, range.tenantId);
  return startSequence === found.head.startSequence ? found : verifyChain(db, range);
}

async function check(db: Runner, { tenantId, fromSequence, limit }: Range): Promise<AuditVerification> {
  const head = await readHead(db, tenantId);
  const first = Math.max(fromSequence ?? 1, head.startSequence + 1);
  const last = Math.min(head.sequence, first + limit - 1);
  const answer = { fromSequence: first, toSequence: Math.max(last, first - 1), head };
  let checked = 0;
  const broken = (brokenAt: number, reason: string): AuditVerification => {
    return { ...answer, toSequence: brokenAt, checked, valid: false, brokenAt, reason };
  };

  if (first === head.startSequence + 1) {
    const fault = await beginningFault(db, tenantId, head);
    if (fault) return broken(first, fault);
  }
  let previous = first === head.startSequence + 1 ? head.startHash : await hashAt(db, tenantId, first - 1);
  if (previous === null && first <= last) return broken(first - 1, 'the entry is missing');

  for (let next = first; next <= last;) {
    const entries = await readEntries(db, tenantId, { from: next, to: last });
    for (const entry of entries) {
      if (entry.sequence !== next) return broken(next, 'the entry is missing');
      checked++;
      const hash = hexOf(hashOf(bytesOf(previous ?? ''), entry));
      if (hash !== entry.hash)
        return broken(next, 'the entry is not what was sealed, or the hash before it is another');
      previous = hash;
      next++;
    }
    if (entries.length === 0) return broken(next, 'the entry is missing');
    // Others take their turns between two pages.
    await new Promise(setImmediate);
  }
  if (last === head.sequence && first <= last && previous !== head.hash)
    return broken(last, 'the head of the chain tells another hash');
  if (await isBeyond(db, tenantId, head.sequence))
    return broken(head.sequence + 1, 'the entry stands after the head of the chain');
  return { ...answer, checked, valid: true, brokenAt: null, reason: null };
}

/** Where a chain was cut, the entry that told of the cut must say the same as the head. */
async function beginningFault(db: Runner, tenantId: string, head: AuditHead): Promise<string | null> {
  const none = toHead(tenantId, undefined);
  if (head.startSequence === 0)
    return head.startHash === none.hash ? null : 'the head tells another beginning of the chain';
  const [row] = await db.rows<{ after: { sequence?: number; hash?: string } | null }>(sql`
    select after from audit_entries
    where tenant_id = ${tenantId}::uuid and procedure = ${retentionProcedure} and user_id is null
      and (sequence is null or sequence > ${head.startSequence})
    order by sequence desc nulls first limit 1`);
  return row?.after?.sequence === head.startSequence && row.after.hash === head.startHash
    ? null
    : 'no entry tells that those before were dropped';
}

async function readEntries(
  db: Runner,
  tenantId: string,
  { from, to }: { from: number; to: number },
): Promise<AuditEntry[]> {
  const rows = await db.rows<EntryRow>(sql`
    select ${entryColumns} from audit_entries e
    where e.tenant_id = ${tenantId}::uuid and e.sequence >= ${from} and e.sequence <= ${to} and e.sequence is not null
    order by e.sequence limit ${sql.raw(String(pageSize))}`);
  return rows.map(toEntry);
}

async function hashAt(db: Runner, tenantId: string, sequence: number): Promise<string | null> {
  const [row] = await db.rows<{ hash: string }>(sql`
    select encode(hash, 'hex') as hash from audit_entries
    where tenant_id = ${tenantId}::uuid and sequence = ${sequence} and sequence is not null`);
  return row?.hash ?? null;
}

/** The head was read first, so entries that were sealed meanwhile are no fault: those have a later head. */
async function isBeyond(db: Runner, tenantId: string, sequence: number): Promise<boolean> {
  const rows = await db.rows(sql`
    select 1 as beyond from audit_entries e
    where e.tenant_id = ${tenantId}::uuid and e.sequence > ${sequence} and e.sequence is not null
      and e.sequence > coalesce((select h.sequence from audit_heads h where h.tenant_id = ${tenantId}::uuid), 0) limit 1`);
  return rows.length > 0;
}
