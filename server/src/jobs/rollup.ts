import { uncountedStatuses } from '@olympus/contracts';
import { array, sql, type Database, type InTransaction, type SystemDb } from '@olympus/database';
import type { Clock } from '../platform/clock.ts';

/** A month that changed this recently is likely to change again, and is left as it is for now. */
const quietMs = 2000;

/** Computes the product sales of up to `limit` stale months anew; resolves to how many. Several processes may do so at once. */
export async function rollUp(
  { database, clock }: { database: Database; clock: Clock },
  limit: number,
): Promise<number> {
  for (let done = 0; done < limit; done++) {
    const before = new Date(clock.now().getTime() - quietMs);
    if (!(await database.systemTransaction((db) => rollUpOne(db, before)))) return done;
  }
  return limit;
}

/**
 * Takes the mark away first: whoever changes the month's sales has to wait there, or has committed, and then the next
 * statement sees it.
 */
async function rollUpOne(db: InTransaction<SystemDb>, before: Date): Promise<boolean> {
  const [taken] = await db.rows<{ tenant_id: string; month: string }>(sql`
    with picked as materialized (
      select tenant_id, month from stale_months where marked_at <= ${before}
      order by marked_at limit 1 for update skip locked)
    delete from stale_months s using picked p where s.tenant_id = p.tenant_id and s.month = p.month
    returning s.tenant_id, s.month`);
  if (!taken) return false;
  const tenantId = sql`${taken.tenant_id}::uuid`;
  const month = sql`${taken.month}::date`;
  await db.rows(sql`delete from product_months where tenant_id = ${tenantId} and month = ${month}`);
  await db.rows(sql`
    insert into product_months (tenant_id, month, product_id, units, revenue, orders)
    select ${tenantId}, ${month}, product_id, sum(units), sum(revenue), count(*) from (
      select i.product_id, sum(i.quantity) as units, sum(i.total) as revenue
      from orders o join order_items i on i.tenant_id = o.tenant_id and i.order_id = o.id
      where o.tenant_id = ${tenantId} and o.placed_on >= ${month} and o.placed_on < ${month} + interval '1 month'
        and o.status <> all(${array(uncountedStatuses)}::text[])
      group by i.product_id, i.order_id) sold
    group by product_id`);
  return true;
}
