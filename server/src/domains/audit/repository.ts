import type { AuditEntry, AuditHead, contracts, ParsedInputOf } from '@olympus/contracts';
import { sql, type Db, type SQL } from '@olympus/database';
import { entryColumns, toEntry, toHead, type EntryRow, type HeadRow } from '../../audit/rows.ts';
import type { List } from '../paging.ts';

export type Filters = ParsedInputOf<typeof contracts.audit.export.def>;

/** Sealed entries that a caller asked to see. */
function conditionsOf(db: Db, filters: Filters): SQL[] {
  const { userId, actorUserId, apiKeyId, procedure, resourceType, resourceId, outcome, from, to } = filters;
  return [
    sql`e.tenant_id = ${db.tenantId}::uuid`,
    sql`e.sequence is not null`,
    ...(userId === undefined ? [] : [sql`e.user_id = ${userId}::uuid`]),
    ...(actorUserId === undefined ? [] : [sql`e.actor_user_id = ${actorUserId}::uuid`]),
    ...(apiKeyId === undefined ? [] : [sql`e.api_key_id = ${apiKeyId}::uuid`]),
    ...(procedure === undefined ? [] : [sql`e.procedure = ${procedure}`]),
    ...(resourceType === undefined ? [] : [sql`e.resource_type = ${resourceType}`]),
    ...(resourceId === undefined ? [] : [sql`e.resource_id = ${resourceId.toLowerCase()}`]),
    ...(outcome === undefined ? [] : [sql`e.outcome = ${outcome}`]),
    ...(from === undefined ? [] : [sql`e.created_at >= ${from}`]),
    ...(to === undefined ? [] : [sql`e.created_at < ${to}`]),
  ];
}

export const entryList = (db: Db, filters: Filters): List<EntryRow, AuditEntry> => ({
  name: 'audit',
  select: entryColumns,
  from: sql`from audit_entries e`,
  where: conditionsOf(db, filters),
  id: sql`e.id`,
  sortable: { sequence: { column: sql`e.sequence`, type: 'bigint' } },
  item: toEntry,
});

export async function findEntry(db: Db, id: string): Promise<AuditEntry | undefined> {
  const [row] = await db.rows<EntryRow>(sql`
    select ${entryColumns} from audit_entries e
    where e.tenant_id = ${db.tenantId}::uuid and e.id = ${id}::uuid and e.sequence is not null`);
  return row && toEntry(row);
}

/** Entries of a page: a slow reader holds no transaction, and memory does not grow with the export. */
const entriesAtOnce = 500;

/** In the order of the chain. */
export async function* entriesOf(db: Db, filters: Filters): AsyncGenerator<AuditEntry> {
  const conditions = conditionsOf(db, filters);
  let after = 0;
  for (;;) {
    const rows = await db.rows<EntryRow>(sql`
      select ${entryColumns} from audit_entries e
      where ${sql.join([...conditions, sql`e.sequence > ${after}`], sql` and `)}
      order by e.sequence limit ${sql.raw(String(entriesAtOnce))}`);
    for (const row of rows) {
      const entry = toEntry(row);
      after = entry.sequence;
      yield entry;
    }
    if (rows.length < entriesAtOnce) return;
  }
}

/** A place in a chain: an entry, or the beginning. The hash may be cut. */
export type Link = Pick<AuditHead, 'sequence' | 'hash'>;

export interface ChainPage {
  readonly head: AuditHead;
  /** In the order of the chain, as many as a page holds. */
  readonly entries: readonly AuditEntry[];
  /** Up to where the page has looked. */
  readonly next: Link;
  /** Why it cannot be told what came after the place; null when it can. */
  readonly gap: string | null;
}

const followedAtOnce = 200;

/** The sealed entries after a place that a caller asked to see, as the chain stands at one moment; none without a place. */
export async function readAfter(db: Db, filters: Filters, at: Link | null): Promise<ChainPage> {
  const found = sql`${sql.join([...conditionsOf(db, filters), sql`e.sequence > ${at?.sequence ?? 0}`], sql` and `)}`;
  const rows = await db.rows<ChainRow>(sql`
    select h.*, link.hash as link, e.* from (select 1) one
    left join lateral (
      select h.sequence as head, encode(h.hash, 'hex') as "headHash", h.sealed_at as "sealedAt",
             h.start_sequence as "startSequence", encode(h.start_hash, 'hex') as "startHash"
      from audit_heads h where h.tenant_id = ${db.tenantId}::uuid) h on true
    left join lateral (
      select encode(e.hash, 'hex') as hash from audit_entries e
      where e.tenant_id = ${db.tenantId}::uuid and e.sequence = ${at?.sequence ?? 0}) link on true
    left join lateral (
      select ${entryColumns} from audit_entries e where ${at ? found : sql`false`}
      order by e.sequence limit ${sql.raw(String(followedAtOnce))}) e on true
    order by e.sequence`);
  const [first] = rows;
  const head = toHead(
    db.tenantId,
    first?.head == null ? undefined : { ...first, sequence: first.head, hash: first.headHash },
  );
  const entries = rows.flatMap((row) => (row.sequence === null ? [] : [toEntry(row)]));
  const last = entries[followedAtOnce - 1];
  return { head, entries, next: last ?? head, gap: at && gapAfter(at, head, first?.link ?? null) };
}
type ChainRow = EntryRow &
  Omit<HeadRow, 'sequence' | 'hash'> & { head: string | null; headHash: string; link: string | null };

function gapAfter({ sequence, hash }: Link, head: AuditHead, link: string | null): string | null {
  if (sequence > head.sequence) return 'The last event id is ahead of the log';
  if (sequence < head.startSequence) return 'The entries after the last event id are no longer kept';
  const sealed = sequence === head.startSequence ? head.startHash : link;
  return sealed?.startsWith(hash) ? null : 'The last event id belongs to another log';
}
