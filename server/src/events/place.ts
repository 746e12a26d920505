import { sql, type SQL } from '@olympus/database';

/** Tells that a tenant's log has grown. Only a hint: it may be lost or come twice, the log is the truth. */
export interface Hint {
  readonly tenantId: string;
  readonly position: number;
  readonly topics: readonly string[];
}

interface Runner {
  rows<R extends object>(statement: SQL): Promise<R[]>;
}

/** Written into the statement, since a plan for any number would read the whole table. */
export const placeBatch = 1000;

/**
 * Gives up to `placeBatch` committed events their positions: in each tenant the ones after its head, in order of sequence.
 * Exact only while nobody else does it. `seed` makes the epochs of tenants whose first events are among them.
 */
export async function placeEvents(db: Runner, seed: string): Promise<{ count: number; hints: Hint[] }> {
  const rows = await db.rows<{ tenant_id: string; position: string; topics: string[]; count: number }>(sql`
    with batch as materialized (
      select sequence, tenant_id from events where position is null order by sequence limit ${sql.raw(String(placeBatch))}),
    heads as (
      insert into event_heads (tenant_id, epoch, position)
      select tenant_id, left(md5(${seed} || tenant_id::text), 16), count(*) from batch group by tenant_id
      on conflict (tenant_id) do update set position = event_heads.position + excluded.position
      returning tenant_id, position),
    places as (
      select b.sequence, h.position + 1
             - row_number() over (partition by b.tenant_id order by b.sequence desc) as position
      from batch b join heads h on h.tenant_id = b.tenant_id),
    placed as (
      update events e set position = p.position from places p where e.sequence = p.sequence
      returning e.tenant_id, e.position, e.topic)
    select tenant_id, max(position) as position, array_agg(distinct topic) as topics, count(*)::int as count
    from placed group by tenant_id`);
  let count = 0;
  const hints = rows.map((row): Hint => {
    count += row.count;
    return { tenantId: row.tenant_id, position: Number(row.position), topics: row.topics };
  });
  return { count, hints };
}
