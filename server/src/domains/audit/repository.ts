import type { AuditEntry, contracts, ParsedInputOf } from '@olympus/contracts';
import { sql, type Db, type SQL } from '@olympus/database';
import { entryColumns, toEntry, type EntryRow } from '../../audit/rows.ts';
import type { List } from '../paging.ts';

type Filters = ParsedInputOf<typeof contracts.audit.export.def>;

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
