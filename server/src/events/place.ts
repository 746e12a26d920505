import { sql, type SQL } from '@olympus/database';

/** Tells that a tenant's log has grown. Only a hint: it may be lost or come twice, the log is the truth. */
export interface Hint {
  readonly tenantId: string;
  readonly position: number;
  readonly topics: readonly string[];
  /** The events themselves, where they are few: whoever stands right before the first of them need not read the log. */
  readonly carried?: Carried | undefined;
}

/** Events of a tenant that follow each other without a gap. */
export interface Carried {
  readonly epoch: string;
  readonly events: readonly StoredEvent[];
}

/** An event as it is stored, dates as text. */
export interface StoredEvent {
  readonly sequence: number;
  readonly position: number;
  readonly topic: string;
  readonly type: string;
  readonly version: number;
  readonly payload: unknown;
}

interface Runner {
  rows<R extends object>(statement: SQL): Promise<R[]>;
}

/** Written into the statement, since a plan for any number would read the whole table. */
export const placeBatch = 1000;
/** Of a batch with more events only the word is carried: readers take them from the log by pages. */
export const carriedAtMost = 100;

/**
 * Gives up to `placeBatch` committed events their positions: in each tenant the ones after its head, in order of sequence.
 * Exact only while nobody else does it. `seed` makes the epochs of tenants whose first events are among them.
 */
export async function placeEvents(
  db: Runner,
  seed: string,
  { carry = false }: { carry?: boolean } = {},
): Promise<{ count: number; hints: Hint[] }> {
  const rows = await db.rows<PlacedRow>(sql`
    with batch as materialized (
      select sequence, tenant_id from events where position is null order by sequence limit ${sql.raw(String(placeBatch))}),
    heads as (
      insert into event_heads (tenant_id, epoch, position)
      select tenant_id, left(md5(${seed} || tenant_id::text), 16), count(*) from batch group by tenant_id
      on conflict (tenant_id) do update set position = event_heads.position + excluded.position
      returning tenant_id, epoch, position),
    few as materialized (select ${carry} and count(*) <= ${sql.raw(String(carriedAtMost))} as carried from batch),
    places as (
      select b.sequence, h.position + 1
             - row_number() over (partition by b.tenant_id order by b.sequence desc) as position
      from batch b join heads h on h.tenant_id = b.tenant_id),
    placed as (
      update events e set position = p.position from places p where e.sequence = p.sequence
      returning e.tenant_id, e.position, e.topic,
                case when (select carried from few) then jsonb_build_object('sequence', e.sequence, 'position', e.position,
                  'topic', e.topic, 'type', e.type, 'version', e.version, 'payload', e.payload) end as event)
    select p.tenant_id, max(p.position) as position, array_agg(distinct p.topic) as topics, count(*)::int as count, h.epoch,
           jsonb_agg(p.event order by p.position) filter (where p.event is not null) as events
    from placed p join heads h on h.tenant_id = p.tenant_id group by p.tenant_id, h.epoch`);
  let count = 0;
  const hints = rows.map((row): Hint => {
    count += row.count;
    const { tenant_id: tenantId, position, topics, epoch, events } = row;
    return { tenantId, position: Number(position), topics, ...(events ? { carried: { epoch, events } } : {}) };
  });
  return { count, hints };
}

interface PlacedRow {
  tenant_id: string;
  position: string;
  topics: string[];
  count: number;
  epoch: string;
  events: StoredEvent[] | null;
}
