import { uncountedStatuses } from '@olympus/contracts';
import { sql, type Database, type InTransaction, type SystemDb } from '@olympus/database';
import type { Clock } from '../platform/clock.ts';

/** A month that changed this recently is likely to change again, and is left as it is for now. */
const quietMs = 1000;
/** The month that still runs changes with every sale, and few ranges have the whole of it. */
const quietMsOfRunningMonth = 30_000;
const atOnceMs = 5000;
const dayMs = 86_400_000;

/** Written out, because of an unknown list the planner expects hardly any order to pass. */
const counted = sql.raw(`o.status not in (${uncountedStatuses.map((status) => `'${status}'`).join(', ')})`);

interface StaleMonth {
  readonly tenantId: string;
  /** Its first day. */
  readonly month: string;
  /** The transaction that marked it last. */
  readonly marker: string;
}

/** Sales were written while their month was being computed. */
class Overtaken extends Error {}

/**
 * Computes the product sales of up to `limit` stale months anew; resolves to how many. Several processes may do so at
 * once, and nobody who sells waits for it: the mark is taken away last, and only if it is still the one that was there
 * before. Who has not committed by then has either marked the month already, or will.
 */
export async function rollUp(
  { database, clock }: { database: Database; clock: Clock },
  limit: number,
): Promise<number> {
  let done = 0;
  for (const month of await quietMonths(database.systemDb, clock.now().getTime(), limit))
    if (await isRolledUp(database, month)) done++;
  return done;
}

/**
 * Computes the product sales of a tenant's stale months at once, quiet or not, the newest first: for who has just changed many
 * and will look at them. What is left after 5 s is `rollUp`'s.
 */
export async function rollUpTenant(database: Database, tenantId: string): Promise<void> {
  const until = performance.now() + atOnceMs;
  const months = await database.systemDb.rows<StaleMonth>(sql`
    select tenant_id as "tenantId", month, xmin::text as marker from stale_months
    where tenant_id = ${tenantId}::uuid order by month desc`);
  for (const month of months) {
    if (performance.now() > until) return;
    await isRolledUp(database, month);
  }
}

/** False when its sales changed meanwhile. */
async function isRolledUp(database: Database, month: StaleMonth): Promise<boolean> {
  try {
    await database.systemTransaction((db) => rollUpMonth(db, month));
    return true;
  } catch (error) {
    if (error instanceof Overtaken) return false;
    throw error;
  }
}

function quietMonths(db: SystemDb, now: number, limit: number): Promise<StaleMonth[]> {
  const before = new Date(now - quietMs);
  const longBefore = new Date(now - quietMsOfRunningMonth);
  // A day more than now, as somewhere it is tomorrow already.
  const runningSince = sql`date_trunc('month', ${new Date(now - dayMs)}::timestamptz at time zone 'UTC')::date`;
  return db.rows(sql`
    select tenant_id as "tenantId", month, xmin::text as marker from stale_months
    where marked_at <= case when month >= ${runningSince} then ${longBefore}::timestamptz else ${before}::timestamptz end
    order by marked_at limit ${limit}`);
}

/** `offset 0` has items looked up order by order, whatever the planner expects: it must never read those of all tenants. */
async function rollUpMonth(db: InTransaction<SystemDb>, { tenantId: id, month: first, marker }: StaleMonth) {
  const tenantId = sql`${id}::uuid`;
  const month = sql`${first}::date`;
  await db.rows(sql`
    with sold as materialized (
      select i.product_id, sum(i.quantity) as units, sum(i.total) as revenue, count(distinct i.order_id) as orders
      from orders o
      cross join lateral (
        select i.product_id, i.order_id, i.quantity, i.total from order_items i
        where i.tenant_id = ${tenantId} and i.order_id = o.id offset 0) i
      where o.tenant_id = ${tenantId} and o.placed_on >= ${month} and o.placed_on < (${month} + interval '1 month')::date
        and ${counted}
      group by i.product_id
    ), gone as (
      delete from product_months p where p.tenant_id = ${tenantId} and p.month = ${month}
        and p.product_id not in (select product_id from sold)
    )
    insert into product_months as p (tenant_id, month, product_id, units, revenue, orders)
    select ${tenantId}, ${month}, product_id, units, revenue, orders from sold order by product_id
    on conflict (tenant_id, month, product_id) do update
      set units = excluded.units, revenue = excluded.revenue, orders = excluded.orders
      where (p.units, p.revenue, p.orders) is distinct from (excluded.units, excluded.revenue, excluded.orders)`);
  const removed = await db.rows(sql`
    delete from stale_months where tenant_id = ${tenantId} and month = ${month} and xmin::text = ${marker} returning month`);
  if (removed.length === 0) throw new Overtaken();
}
