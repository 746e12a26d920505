import { array, json, sql, type Database, type InTransaction, type SystemDb } from '@olympus/database';
import { setTimeout as sleep } from 'node:timers/promises';

/** Sequences of segment n are those from n × 2^28 on; what the migration that began them says. */
const bits = sql.raw('28');
/** Keeps two processes from tending the segments at once. Any number will do, as long as nothing else locks it. */
const tending = sql.raw('7265109874');

/** The log as it lies on disk. */
export interface LogSize {
  /** Of all segments, with their indexes. */
  readonly bytes: number;
  readonly segments: number;
  /** When the oldest segment began to be written to. */
  readonly since: Date;
}

export async function sizeOf(db: SystemDb): Promise<LogSize> {
  const [row] = await db.rows<{ bytes: string; segments: number; since: Date }>(sql`
    select coalesce(sum(pg_total_relation_size(inhrelid)), 0) as bytes, count(*)::int as segments,
           (select coalesce(min(opened_at), now()) from event_segments) as since
    from pg_inherits where inhparent = 'public.events'::regclass`);
  if (!row) throw new Error('there is no log');
  return { ...row, bytes: Number(row.bytes) };
}

export interface Span {
  /** Both are when a segment is closed. */
  readonly ms: number;
  readonly bytes: number;
}

/** Closes the segment that is written to when it is full or old, and sees to it that there is one after it. */
export async function advance(database: Database, now: Date, span: Span): Promise<void> {
  await database.systemTransaction(async (db) => {
    await db.rows(sql`select pg_advisory_xact_lock(${tending})`);
    await noteTurns(db, now);
    const [open] = await db.rows<{ due: boolean }>(sql`
      select bytes >= ${span.bytes} or opened_at <= ${new Date(now.getTime() - span.ms)} and exists (
               select 1 from events where sequence >= number << ${bits}) as due
      from event_segments s, lateral (
        select coalesce(pg_total_relation_size(to_regclass('public.events_' || number)), 0) as bytes) size
      where opened_at is not null and closed_at is null`);
    if (!open?.due) return;
    await db.rows(sql`select event_segment_next()`);
    await noteTurns(db, now);
  });
}

/** The sequence tells where events go, also after a crash between its move and the commit; the table tells since when. */
async function noteTurns(db: InTransaction<SystemDb>, now: Date): Promise<void> {
  await db.rows(sql`
    with place as materialized (select last_value >> ${bits} as number from events_sequence_seq),
    closed as (
      update event_segments s set closed_at = ${now} from place p where s.number < p.number and s.closed_at is null)
    insert into event_segments (number, opened_at)
    select number, ${now}::timestamptz from place union all select number + 1, null from place
    on conflict (number) do update set opened_at = coalesce(event_segments.opened_at, excluded.opened_at)`);
  await db.rows(sql`select event_segment_add(number) from event_segments where closed_at is null`);
}

/** A segment that is not written to any more. */
export interface Closed {
  readonly number: number;
  readonly closedAt: Date;
}

export async function oldestClosed(db: SystemDb): Promise<Closed | null> {
  const [row] = await db.rows<{ number: string; closedAt: Date }>(sql`
    select number, closed_at as "closedAt" from event_segments where closed_at is not null order by number limit 1`);
  return row ? { number: Number(row.number), closedAt: row.closedAt } : null;
}

/** Whether some of the oldest segment's events have no place yet. */
export async function hasUnplaced(db: SystemDb, { number }: Closed): Promise<boolean> {
  const rows = await db.rows(sql`
    select 1 as found from events where position is null and sequence < (${number}::bigint + 1) << ${bits} limit 1`);
  return rows.length > 0;
}

/** The last position of each tenant's events in the oldest segment, as far as it is still kept. */
const lastOnes = ({ number }: Closed) => sql`
  select h.tenant_id, h.epoch, h.oldest, e.position from event_heads h cross join lateral (
    select position from events
    where tenant_id = h.tenant_id and position is not null and sequence < (${number}::bigint + 1) << ${bits}
    order by position desc limit 1) e
  where e.position >= h.oldest`;

export interface Lag {
  readonly consumer: string;
  readonly tenants: number;
  readonly events: number;
}

/** Which consumers have not come to the end of the oldest segment, and what they would miss. */
export async function laggingBehind(
  db: SystemDb,
  segment: Closed,
  about: { consumers: readonly string[]; lane: string },
): Promise<Lag[]> {
  return db.rows<{ consumer: string; tenants: number; events: number }>(sql`
    select c.name as consumer, count(*)::int as tenants,
           sum(l.position - greatest(coalesce(o.position, 0), l.oldest - 1))::float8 as events
    from unnest(${array(about.consumers)}::text[]) c (name)
    cross join (${lastOnes(segment)}) l
    left join consumer_offsets o on o.tenant_id = l.tenant_id and o.epoch = l.epoch
      and o.consumer = c.name and o.lane = ${about.lane}
    where coalesce(o.position, 0) < l.position
    group by c.name order by c.name`);
}

const headsAtOnce = sql.raw('500');

/**
 * Moves the beginning of each tenant's log behind the oldest segment: from now on readers are told. A few heads at a time, and
 * only those that are free, since the relay locks many heads in an order of its own.
 */
export async function moveBeginnings(db: SystemDb, segment: Closed): Promise<void> {
  for (;;) {
    const last = await db.rows(sql`
      select tenant_id as "tenantId", position from (${lastOnes(segment)}) l limit ${headsAtOnce}`);
    if (last.length === 0) return;
    const moved = await db.rows(sql`
      with free as (
        select h.tenant_id, l.position
        from jsonb_to_recordset(${json(last)}::text::jsonb) as l ("tenantId" uuid, position bigint)
        join event_heads h on h.tenant_id = l."tenantId"
        for no key update of h skip locked)
      update event_heads h set oldest = greatest(h.oldest, f.position + 1) from free f where h.tenant_id = f.tenant_id
      returning 1 as moved`);
    if (moved.length === 0) await sleep(20);
  }
}

/** Waits for everybody who may still write into a closed segment: they began before it was closed, and hold this lock's opposite. */
export const awaitWriters = (database: Database, patienceMs: number): Promise<void> =>
  database.systemTransaction(async (db) => {
    await impatient(db, patienceMs);
    await db.rows(sql`lock table only events in share mode`);
  });

export const dropSegment = (database: Database, { number }: Closed, patienceMs: number): Promise<void> =>
  database.systemTransaction(async (db) => {
    await impatient(db, patienceMs);
    await db.rows(sql`select event_segment_drop(${number}::bigint)`);
    await db.rows(sql`delete from event_segments where number = ${number}::bigint`);
  });

/** Whoever waits for a lock holds up those who come after. */
async function impatient(db: InTransaction<SystemDb>, patienceMs: number): Promise<void> {
  await db.rows(sql`select set_config('lock_timeout', ${`${patienceMs}ms`}, true)`);
}
