import type { contracts, DeadLetter, ParsedInputOf } from '@olympus/contracts';
import { array, json, sql, type Db, type SQL } from '@olympus/database';
import { live } from '../../events/consumers/consumer.ts';
import type { LaneOfConsumer } from '../../events/consumers/order.ts';
import type { List } from '../paging.ts';

type Filters = ParsedInputOf<typeof contracts.events.deadLetters.list.def>;

const columns = sql`
  d.id, d.consumer, d.state, d.event_id as "eventId", d.type, d.subject_id as "subjectId",
  case when d.lane <> ${live} then d.lane end as "replayId", d.attempts, d.error, d.failed_at as "failedAt",
  d.due_at as "nextAttemptAt", d.request_id as "requestId", d.occurred_at as "occurredAt", d.edited_by as "editedBy",
  d.created_at as "createdAt", d.version`;

const ofTenant = (db: Db) => sql`d.tenant_id = ${db.tenantId}::uuid`;
const matching = ({ consumer, type }: { consumer?: string | undefined; type?: string | undefined }): SQL[] => [
  ...(consumer === undefined ? [] : [sql`d.consumer = ${consumer}`]),
  ...(type === undefined ? [] : [sql`d.type = ${type}`]),
];

export const letterList = (db: Db, filters: Filters): List<DeadLetter, DeadLetter> => ({
  name: 'deadLetters',
  select: columns,
  from: sql`from consumer_deliveries d`,
  where: [
    ofTenant(db),
    sql`d.state = ${filters.state ?? 'dead'}`,
    ...matching(filters),
    filters.subjectId === undefined ? undefined : sql`d.subject_id = ${filters.subjectId}::uuid`,
  ],
  id: sql`d.id`,
  sortable: { createdAt: { column: sql`d.created_at`, type: 'timestamptz' } },
  item: (letter) => letter,
});

/** A letter with where it stands. */
export interface Letter {
  readonly deadLetter: DeadLetter;
  readonly payload: Record<string, unknown>;
  readonly heldBehind: number;
  readonly eventVersion: number;
  readonly lane: LaneOfConsumer;
  readonly subjectKey: string;
}

type LetterRow = DeadLetter & Pick<Letter, 'payload' | 'heldBehind' | 'eventVersion' | 'subjectKey'> & { lane: string };

const behind = sql`(
  select count(*)::int from consumer_deliveries b
  where b.tenant_id = d.tenant_id and b.consumer = d.consumer and b.lane = d.lane
    and b.subject_key = d.subject_key and b.ordinal > d.ordinal)`;

export async function findLetter(db: Db, id: string): Promise<Letter | undefined> {
  const [row] = await db.rows<LetterRow>(sql`
    select ${columns}, d.payload, ${behind} as "heldBehind", d.event_version as "eventVersion", d.subject_key as "subjectKey",
           d.lane
    from consumer_deliveries d where ${ofTenant(db)} and d.id = ${id}::uuid`);
  if (!row) return undefined;
  const { payload, heldBehind, eventVersion, subjectKey, lane, ...deadLetter } = row;
  const laneOf = { tenantId: db.tenantId, consumer: deadLetter.consumer, lane };
  return { deadLetter, payload, heldBehind, eventVersion, subjectKey, lane: laneOf };
}

export async function updatePayload(
  db: Db,
  id: string,
  { payload, editedBy }: { payload: object; editedBy: string },
): Promise<boolean> {
  const rows = await db.rows(sql`
    update consumer_deliveries d
    set payload = ${json(payload)}::text::jsonb, edited_by = ${editedBy}::uuid, version = d.version + 1
    where ${ofTenant(db)} and d.id = ${id}::uuid and d.state = 'dead' returning 1 as changed`);
  return rows.length > 0;
}

export async function deleteLetter(db: Db, id: string): Promise<void> {
  await db.rows(
    sql`delete from consumer_deliveries d where ${ofTenant(db)} and d.id = ${id}::uuid and d.state = 'dead'`,
  );
}

const redrivenAtOnce = sql.raw('1000');

interface Choice {
  readonly ids?: readonly string[] | undefined;
  readonly consumer?: string | undefined;
  readonly type?: string | undefined;
}

/** Those that are named, in whatever state; else dead ones of these consumers. Oldest first, with how many wait behind each. */
export const lettersToRedrive = (
  db: Db,
  { ids, ...filters }: Choice,
  consumers: readonly string[],
): Promise<(DeadLetter & { heldBehind: number })[]> => {
  const chosen =
    ids === undefined
      ? [sql`d.state = 'dead'`, sql`d.consumer = any(${array(consumers)}::text[])`]
      : [sql`d.id = any(${array(ids)}::uuid[])`];
  const conditions = [ofTenant(db), ...chosen, ...matching(filters)];
  return db.rows(sql`
    select ${columns}, ${behind} as "heldBehind" from consumer_deliveries d
    where ${sql.join(conditions, sql` and `)} order by d.ordinal limit ${redrivenAtOnce}`);
};

/** Begins their attempts anew. */
export async function reviveLetters(db: Db, ids: readonly string[], now: Date): Promise<number> {
  const rows = await db.rows(sql`
    update consumer_deliveries d set state = 'retrying', due_at = ${now}, attempts = 0, version = d.version + 1
    where ${ofTenant(db)} and d.id = any(${array(ids)}::uuid[]) and d.state = 'dead' returning 1 as changed`);
  return rows.length;
}

export interface ReplayRange {
  readonly consumer: string;
  readonly types: readonly string[];
  readonly from: Date | null;
  readonly to: Date | null;
}

/** What a replay would hand over: kept events that have their place. */
export async function countEvents(db: Db, { types, from, to }: ReplayRange) {
  const [row] = await db.rows<{ count: number; first: string | null; last: string | null; epoch: string | null }>(sql`
    select count(*)::int as count, min(position) as first, max(position) as last,
           (select epoch from event_heads where tenant_id = ${db.tenantId}::uuid) as epoch
    from events
    where tenant_id = ${db.tenantId}::uuid and position is not null and type = any(${array(types)}::text[])
      and created_at >= coalesce(${from}::timestamptz, '-infinity') and created_at < coalesce(${to}::timestamptz, 'infinity')`);
  return row ?? { count: 0, first: null, last: null, epoch: null };
}

export interface NewReplay extends ReplayRange {
  readonly id: string;
  readonly epoch: string;
  readonly first: number;
  readonly last: number;
}

export async function insertReplay(db: Db, replay: NewReplay, now: Date): Promise<void> {
  const { id, consumer, epoch, first, last, types, from, to } = replay;
  await db.rows(sql`
    insert into consumer_offsets
      (tenant_id, consumer, lane, epoch, position, until_position, types, from_at, to_at, updated_at)
    values (${db.tenantId}::uuid, ${consumer}, ${id}, ${epoch}, ${first - 1}, ${last}, ${array(types)}::text[],
            ${from}, ${to}, ${now})`);
}
