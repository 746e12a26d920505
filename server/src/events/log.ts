import type { EventPayload } from '@olympus/contracts';
import { array, sql, type Database } from '@olympus/database';
import { encodeEventId, type Place } from './event-id.ts';
import type { Topic } from './outbox.ts';
import type { StoredEvent } from './place.ts';
import { revive } from './revive.ts';

/** An event that has its place. */
export interface PlacedEvent extends Place {
  readonly id: string;
  readonly sequence: number;
  readonly topic: string;
  /** Null when a newer version of the program wrote it. */
  readonly payload: EventPayload | null;
}

/** Events after a position, and how the log stood at the moment of reading. */
export interface Page {
  readonly head: Place;
  /** From here on every event is kept; one after the head when none is. */
  readonly oldest: number;
  /** In order of position. Fewer than `pageSize`: there are no others up to the head. */
  readonly events: readonly PlacedEvent[];
}

/** This moment in a tenant's log. */
export interface Now {
  readonly head: Place;
  /** Sequences of events that are committed already and get their places after the head. */
  readonly unplaced: ReadonlySet<number>;
}

export interface EventLog {
  read(query: { tenantId: string; after: number; topic?: Topic }): Promise<Page>;
  now(tenantId: string): Promise<Now>;
  /** The heads of many tenants at once; tenants without events have none. */
  heads(tenantIds: readonly string[]): Promise<Map<string, Place>>;
}

/** Where the log of a tenant starts that has no events yet. */
export const beginning: Place = { epoch: '', position: 0 };

/** Events of one read. Written into the statement, since a plan for any number would read the whole table. */
export const pageSize = 200;

/** Why a reader who stands at `place` cannot go on with `page` without having missed something; null when it can. */
export function gapBetween(place: Place, { head, oldest }: Page): string | null {
  const fromTheStart = place.epoch === '' && place.position === 0;
  if (place.epoch !== head.epoch && !fromTheStart) return 'The last event id belongs to another log';
  if (place.position > head.position) return 'The last event id is ahead of the log';
  if (place.position < oldest - 1) return 'The events after the last event id are no longer kept';
  return null;
}

/** Backlogs beyond this are met by new subscribers as if they were new. */
const maxUnplaced = 10_000;

/** Reads placed events, which never change their order: the relay gives places, single statements see all or none of a batch. */
export function createEventLog(database: Database): EventLog {
  return {
    async read({ tenantId, after, topic }) {
      const rows = await database.tenant(tenantId).rows<EventRow>(sql`
        select h.epoch, h.position as head, h.oldest,
               e.sequence, e.position, e.topic, e.type, e.version, e.payload
        from event_heads h
        left join lateral (
          select sequence, position, topic, type, version, payload from events
          where tenant_id = ${tenantId}::uuid and position > ${after} ${topic ? sql`and topic = ${topic}` : sql``}
          order by position limit ${sql.raw(String(pageSize))}) e on true
        where h.tenant_id = ${tenantId}::uuid
        order by e.position`);
      return pageOf(rows);
    },
    async now(tenantId) {
      const [row] = await database.tenant(tenantId).rows<NowRow>(sql`
        select h.epoch, h.position as head, unplaced.sequences
        from (
          select coalesce(array_agg(sequence::text), '{}') as sequences from (
            select sequence from events where tenant_id = ${tenantId}::uuid and position is null
            limit ${sql.raw(String(maxUnplaced))}) e) unplaced
        left join event_heads h on h.tenant_id = ${tenantId}::uuid`);
      return { head: headOf(row), unplaced: new Set(row?.sequences.map(Number)) };
    },
    async heads(tenantIds) {
      const rows = await database.systemDb.rows<HeadRow & { tenant_id: string }>(sql`
        select tenant_id, epoch, position as head from event_heads where tenant_id = any(${array(tenantIds)}::uuid[])`);
      return new Map(rows.map((row) => [row.tenant_id, headOf(row)]));
    },
  };
}

interface HeadRow {
  epoch: string | null;
  head: string | null;
}
interface NowRow extends HeadRow {
  sequences: string[];
}
interface EventRow extends HeadRow {
  oldest: string;
  sequence: string | null;
  position: string | null;
  topic: string;
  type: string;
  version: number;
  payload: unknown;
}

const headOf = (row: HeadRow | undefined): Place =>
  row?.epoch == null ? beginning : { epoch: row.epoch, position: Number(row.head) };

/** An event as readers get it. */
export const placed = (place: Place, event: Omit<StoredEvent, 'position'>): PlacedEvent => ({
  ...place,
  id: encodeEventId(place),
  sequence: event.sequence,
  topic: event.topic,
  payload: revive(event.type, event.version, event.payload),
});

function pageOf(rows: readonly EventRow[]): Page {
  const head = headOf(rows[0]);
  const events: PlacedEvent[] = [];
  for (const row of rows) {
    if (row.position === null) continue;
    const place = { epoch: head.epoch, position: Number(row.position) };
    events.push(placed(place, { ...row, sequence: Number(row.sequence) }));
  }
  return { head, oldest: Number(rows[0]?.oldest ?? 1), events };
}
