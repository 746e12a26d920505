import { array, sql, type Db, type SystemDb } from '@olympus/database';
import { live } from './consumer.ts';

/** How a consumer stands, in one tenant or in all of them. */
export interface Standing {
  readonly consumer: string;
  /** Events of the log that it has not come to, whether it takes them or passes them over. */
  readonly behind: number;
  /** When the oldest of them happened; null where there is none. */
  readonly since: Date | null;
  /** Events that are put aside, by their state. */
  readonly dead: number;
  readonly retrying: number;
  readonly held: number;
}

/** One for each name, in their order: of the tenant of a `Db`, of all tenants otherwise. */
export async function standingOf(db: Db | SystemDb, names: readonly string[]): Promise<Standing[]> {
  const ofTenant = (column: string) => ('tenantId' in db ? sql`${sql.raw(column)} = ${db.tenantId}::uuid` : sql`true`);
  return db.rows<Standing>(sql`
    with lanes as (
      select n.name, h.tenant_id, h.position, case when o.epoch = h.epoch then o.position else 0 end as taken
      from unnest(${array(names)}::text[]) n(name) cross join event_heads h
      left join consumer_offsets o on o.tenant_id = h.tenant_id and o.consumer = n.name and o.lane = ${live}
      where ${ofTenant('h.tenant_id')}),
    logs as (
      select l.name, sum(l.position - l.taken)::float8 as behind, min(e.created_at) as since
      from lanes l left join lateral (
        select created_at from events
        where l.position > l.taken and tenant_id = l.tenant_id and position > l.taken order by position limit 1) e on true
      group by l.name),
    letters as (
      select consumer, count(*) filter (where state = 'dead')::int as dead,
             count(*) filter (where state = 'retrying')::int as retrying, count(*) filter (where state = 'held')::int as held
      from consumer_deliveries where ${ofTenant('tenant_id')} group by consumer)
    select n.name as consumer, coalesce(l.behind, 0) as behind, l.since,
           coalesce(d.dead, 0) as dead, coalesce(d.retrying, 0) as retrying, coalesce(d.held, 0) as held
    from unnest(${array(names)}::text[]) with ordinality n(name, place)
    left join logs l on l.name = n.name left join letters d on d.consumer = n.name
    order by n.place`);
}
