import { array, sql, type Database } from '@olympus/database';
import { encodeEventId, type Place } from '../event-id.ts';
import { live, type Consumer } from './consumer.ts';
import { shardOf } from './leases.ts';

/** The log of a tenant as a consumer goes through it, or a replay of a part of it. */
export interface Lane {
  readonly tenantId: string;
  readonly lane: string;
  readonly shard: number;
}

/** An event as it is stored. */
export interface StoredEvent {
  readonly eventId: string;
  readonly type: string;
  readonly eventVersion: number;
  readonly subjectId: string | null;
  readonly payload: unknown;
  readonly requestId: string | null;
  readonly occurredAt: Date;
  readonly subjectKey: string;
}

/** An event that was put aside. */
export interface Parked extends StoredEvent {
  readonly id: string;
  readonly attempts: number;
}

/** What there is to do in a lane, as read at one moment. */
export interface Work {
  readonly offset: Place;
  /** Where the lane stands once `fresh` is dealt with. */
  readonly next: Place;
  /** Whether there is more after `next`. */
  readonly more: boolean;
  /** Positions of events that were dropped before the consumer came to them; 0: none. */
  readonly missed: number;
  readonly fresh: readonly StoredEvent[];
  /** Subjects whose retry is due, with what waits behind it, in order. */
  readonly due: readonly Parked[];
  /** Subjects that have earlier events aside, behind which their fresh ones wait. */
  readonly blocked: ReadonlySet<string>;
}

/** Written into statements, since plans for any number would read whole tables. */
const pageSize = 200;
const lanesAtOnce = sql.raw('64');
const freshAtOnce = sql.raw(String(pageSize));
const dueSubjects = sql.raw('20');
const dueAtOnce = sql.raw('200');

export interface Query {
  readonly consumer: string;
  readonly shards: readonly number[];
  readonly now: Date;
  /** Lanes that are worked on already, as `tenant/lane`. */
  readonly busy: readonly string[];
}

/** Lanes of the shards in which there is something to do now. */
export function findLanes({ systemDb }: Database, { consumer, shards, now, busy }: Query): Promise<Lane[]> {
  const ours = sql`${shardOf} = any(${array(shards)}::int[])`;
  return systemDb.rows<{ tenantId: string; lane: string; shard: number }>(sql`
    select tenant_id as "tenantId", lane, ${shardOf} as shard from (
      select h.tenant_id, ${live} as lane from event_heads h
      left join consumer_offsets o on o.tenant_id = h.tenant_id and o.consumer = ${consumer} and o.lane = ${live}
      where o.tenant_id is null or o.position <> h.position or o.epoch <> h.epoch
      union
      select tenant_id, lane from consumer_offsets where consumer = ${consumer} and position < until_position
      union
      select tenant_id, lane from consumer_deliveries
      where consumer = ${consumer} and state = 'retrying' and due_at <= ${now}) l
    where ${ours} and not (tenant_id::text || '/' || lane = any(${array(busy)}::text[]))
    order by random() limit ${lanesAtOnce}`);
}

interface LaneRead {
  readonly consumer: Consumer;
  readonly lane: Lane;
}

export async function readWork(database: Database, { consumer, lane, now }: LaneRead & { now: Date }): Promise<Work> {
  const { head, events } = await readFresh(database, { consumer, lane });
  const due = await readDue(database, { consumer, lane, now });
  const fresh = events.map(toStored);
  const keys = [...new Set(fresh.map(({ subjectKey }) => subjectKey))];
  const blocked = keys.length === 0 ? [] : await readBlocked(database, { consumer, lane, keys });
  const more = events.length === pageSize;
  const end = more ? events.at(-1)?.position : (head.until ?? head.position);
  return {
    offset: { epoch: head.offset_epoch ?? '', position: Number(head.offset ?? 0) },
    next: { epoch: head.epoch, position: Number(end) },
    more,
    missed: head.offset === null ? 0 : Math.max(Number(head.oldest) - 1 - Number(head.from), 0),
    fresh,
    due,
    blocked: new Set(blocked),
  };
}

interface HeadRow {
  /** null: the lane has no offset yet. */
  offset_epoch: string | null;
  offset: string | null;
  epoch: string;
  position: string;
  /** After which events are read: the beginning where the offset is of another log. */
  from: string;
  until: string | null;
  oldest: string;
}
interface EventRow {
  type: string;
  version: number;
  subject_id: string | null;
  payload: unknown;
  request_id: string | null;
  occurred_at: Date;
}
interface FreshRow extends EventRow {
  epoch: string;
  position: string;
}

/** The lane's offset and what follows it, from one moment. A replay ends where its log has been replaced. */
async function readFresh({ systemDb }: Database, { consumer: { name, types }, lane: { tenantId, lane } }: LaneRead) {
  const rows = await systemDb.rows<HeadRow & EventRow & { event_position: string | null }>(sql`
    with place as materialized (
      select o.epoch as offset_epoch, o.position as "offset", h.epoch, h.position, o.until_position as until,
             o.types, o.from_at, o.to_at, h.oldest,
             case when o.epoch = h.epoch then o.position when ${lane} = ${live} then 0 else h.position end as "from"
      from event_heads h
      left join consumer_offsets o on o.tenant_id = h.tenant_id and o.consumer = ${name} and o.lane = ${lane}
      where h.tenant_id = ${tenantId}::uuid)
    select p.offset_epoch, p."offset", p.epoch, p.position, p."from", p.until, p.oldest,
           e.position as event_position, e.type, e.version, e.subject_id, e.payload, e.request_id, e.created_at as occurred_at
    from place p left join lateral (
      select * from events where tenant_id = ${tenantId}::uuid and position > p."from"
        and position <= coalesce(p.until, p.position) and type = any(${array(types)}::text[])
        and (p.types is null or type = any(p.types))
        and (p.from_at is null or created_at >= p.from_at) and (p.to_at is null or created_at < p.to_at)
      order by position limit ${freshAtOnce}) e on true
    order by e.position`);
  const [head] = rows;
  if (!head) throw new Error('a lane has no log');
  const events = rows.flatMap(({ event_position: position, ...row }): FreshRow[] =>
    position === null ? [] : [{ ...row, position }],
  );
  return { head, events };
}

interface ParkedRow extends EventRow {
  id: string;
  attempts: number;
  event_id: string;
  subject_key: string;
}

const within = ({ consumer: { name }, lane: { tenantId, lane } }: LaneRead) =>
  sql`tenant_id = ${tenantId}::uuid and consumer = ${name} and lane = ${lane}`;

async function readDue(database: Database, { now, ...lane }: LaneRead & { now: Date }): Promise<Parked[]> {
  const ofLane = within(lane);
  const rows = await database.systemDb.rows<ParkedRow>(sql`
    select id, attempts, event_id, subject_key, type, event_version as version, subject_id, payload, request_id, occurred_at
    from consumer_deliveries
    where ${ofLane} and subject_key in (
      select subject_key from consumer_deliveries where ${ofLane} and state = 'retrying' and due_at <= ${now}
      order by due_at limit ${dueSubjects})
    order by ordinal limit ${dueAtOnce}`);
  return rows.map((row) => ({
    ...storedOf(row, row.event_id, row.subject_key),
    id: row.id,
    attempts: row.attempts,
  }));
}

async function readBlocked(
  { systemDb }: Database,
  { keys, ...lane }: LaneRead & { keys: readonly string[] },
): Promise<string[]> {
  const rows = await systemDb.rows<{ key: string }>(sql`
    select distinct subject_key as key from consumer_deliveries
    where ${within(lane)} and subject_key = any(${array(keys)}::text[])`);
  return rows.map(({ key }) => key);
}

function toStored(row: FreshRow): StoredEvent {
  const eventId = encodeEventId({ epoch: row.epoch, position: Number(row.position) });
  return storedOf(row, eventId, row.subject_id ?? eventId);
}

const storedOf = (row: EventRow, eventId: string, subjectKey: string): StoredEvent => ({
  eventId,
  subjectKey,
  type: row.type,
  eventVersion: row.version,
  subjectId: row.subject_id,
  payload: row.payload,
  requestId: row.request_id,
  occurredAt: row.occurred_at,
});
