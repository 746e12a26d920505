import type { AuditEntry, AuditHead } from '@olympus/contracts';
import { sql, type Db, type InTransaction } from '@olympus/database';
import { beginningOf, hexOf } from './chain.ts';
import type { NewEntry } from './entry.ts';

/** The columns of `audit_entries e` under the names that rows are read by. */
export const entryColumns = sql`
  e.sequence, encode(e.hash, 'hex') as hash, e.id, e.created_at as "createdAt", e.outcome, e.code, e.procedure, e.resource_type as "resourceType",
  e.resource_id as "resourceId", e.user_id as "userId", e.api_key_id as "apiKeyId", e.actor_user_id as "actorUserId",
  e.actor_reason as "actorReason", e.count, e.input, e.before, e.after, e.protocol, e.address, e.user_agent as "userAgent",
  e.request_id as "requestId", e.trace_id as "traceId"`;

export type EntryRow = Omit<AuditEntry, 'sequence' | 'hash'> & {
  readonly sequence: string | null;
  readonly hash: string | null;
};

/** What is hashed, listed and exported: one form, so that an export can be checked by anybody. */
export const toEntry = (row: EntryRow): AuditEntry => ({
  sequence: Number(row.sequence),
  id: row.id,
  createdAt: row.createdAt,
  outcome: row.outcome,
  code: row.code,
  procedure: row.procedure,
  resourceType: row.resourceType,
  resourceId: row.resourceId,
  userId: row.userId,
  apiKeyId: row.apiKeyId,
  actorUserId: row.actorUserId,
  actorReason: row.actorReason,
  count: row.count,
  input: row.input,
  before: row.before,
  after: row.after,
  protocol: row.protocol,
  address: row.address,
  userAgent: row.userAgent,
  requestId: row.requestId,
  traceId: row.traceId,
  hash: row.hash ?? '',
});

/** Appends an entry without its place to the caller's transaction, with its commit. */
export function insertEntry(db: Pick<InTransaction<Db>, 'withCommit'>, entry: NewEntry): void {
  const details = (value: object | null) => (value === null ? null : JSON.stringify(value));
  db.withCommit(sql`
    insert into audit_entries (
      tenant_id, id, created_at, outcome, code, procedure, resource_type, resource_id, user_id, api_key_id, actor_user_id,
      actor_reason, count, input, before, after, protocol, address, user_agent, request_id, trace_id)
    values (
      ${entry.tenantId}::uuid, ${entry.id}::uuid, ${entry.createdAt}, ${entry.outcome}, ${entry.code}, ${entry.procedure},
      ${entry.resourceType}, ${entry.resourceId}, ${entry.userId}::uuid, ${entry.apiKeyId}::uuid, ${entry.actorUserId}::uuid,
      ${entry.actorReason}, ${entry.count}, ${details(entry.input)}::text::jsonb, ${details(entry.before)}::text::jsonb,
      ${details(entry.after)}::text::jsonb, ${entry.protocol}, ${entry.address}, ${entry.userAgent}, ${entry.requestId},
      ${entry.traceId})`);
}

export interface HeadRow {
  readonly sequence: string;
  readonly hash: string;
  readonly sealedAt: Date;
  readonly startSequence: string;
  readonly startHash: string;
}
/** The columns of `audit_heads h`. */
export const headColumns = sql`
  h.sequence, encode(h.hash, 'hex') as hash, h.sealed_at as "sealedAt", h.start_sequence as "startSequence",
  encode(h.start_hash, 'hex') as "startHash"`;

/** A tenant's head; the beginning of its chain where nothing is sealed yet. */
export function toHead(tenantId: string, row: HeadRow | undefined): AuditHead {
  if (row) return { ...row, sequence: Number(row.sequence), startSequence: Number(row.startSequence) };
  const hash = hexOf(beginningOf(tenantId));
  return { sequence: 0, hash, sealedAt: null, startSequence: 0, startHash: hash };
}
