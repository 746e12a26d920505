import { sql, type Db, type SQL } from '@olympus/database';
import type { DayRange } from './range.ts';
import { counted, totals, type TotalsRow } from './repository.ts';

/**
 * The range in two parts: months that `product_months` tells of, and spans of days that only the items tell of, because
 * the range cuts their month or because it is stale. Both in one statement, hence of one moment, hence exact.
 */
function partsOf(db: Db, { from, to }: DayRange): { rolledUp: SQL; spans: SQL; items: SQL } {
  const tenantId = sql`${db.tenantId}::uuid`;
  const firstWhole =
    from === null ? null : sql`date_trunc('month', ${from}::date + interval '1 month' - interval '1 day')::date`;
  const after = to === null ? null : sql`(${to}::date + 1)`;
  const wholeEnd = after && sql`date_trunc('month', ${after}::timestamp)::date`;
  const whole = (month: SQL) => sql`
    ${firstWhole ? sql`and ${month} >= ${firstWhole}` : sql``} ${wholeEnd ? sql`and ${month} < ${wholeEnd}` : sql``}`;
  const stale = sql`from stale_months s where s.tenant_id = ${tenantId} ${whole(sql`s.month`)}`;
  const spans = [sql`select s.month as first, (s.month + interval '1 month')::date as after ${stale}`];
  if (from !== null) spans.push(sql`select ${from}::date, ${after ? sql`least(${firstWhole}, ${after})` : firstWhole}`);
  if (after) spans.push(sql`select ${firstWhole ? sql`greatest(${firstWhole}, ${wholeEnd})` : wholeEnd}, ${after}`);
  return {
    rolledUp: sql`
      from product_months p where p.tenant_id = ${tenantId} ${whole(sql`p.month`)}
        and p.month not in (select s.month ${stale})`,
    spans: sql`span as (${sql.join(spans, sql` union all `)})`,
    // `offset 0` keeps the planner, which cannot know how few orders it is about, from reading all items there are.
    items: sql`
      from span
      cross join lateral (
        select o.id from orders o
        where o.tenant_id = ${tenantId} and o.placed_on >= span.first and o.placed_on < span.after and ${counted}
        offset 0) o
      cross join lateral (
        select i.product_id, i.order_id, i.quantity, i.total from order_items i
        where i.tenant_id = ${tenantId} and i.order_id = o.id offset 0) i`,
  };
}

export interface SummaryRow extends TotalsRow {
  readonly products: number;
}

export async function summary(db: Db, range: DayRange): Promise<SummaryRow> {
  const { rolledUp, spans, items } = partsOf(db, range);
  const [row] = await db.rows<SummaryRow>(sql`
    with ${spans}, product as (
      select p.product_id ${rolledUp} group by p.product_id union select i.product_id ${items} group by i.product_id)
    select t.*, (select count(*)::int from product) as products from (${totals(db, range)}) t`);
  if (!row) throw new Error('an aggregate answered no row');
  return row;
}

export interface ProductRow {
  readonly productId: string;
  readonly sku: string;
  readonly name: string;
  readonly units: string;
  readonly revenue: string;
  readonly orders: number;
}

/** Ties are kept until the products' skus decide between them. */
export function topProducts(db: Db, range: DayRange, limit: number): Promise<ProductRow[]> {
  const { rolledUp, spans, items } = partsOf(db, range);
  return db.rows(sql`
    with ${spans}, sold as (
      select p.product_id, sum(p.units) as units, sum(p.revenue) as revenue, sum(p.orders) as orders ${rolledUp}
      group by p.product_id
      union all
      select i.product_id, sum(i.quantity), sum(i.total), count(distinct i.order_id) ${items} group by i.product_id
    ), top as (
      select product_id, sum(units) as units, sum(revenue) as revenue, sum(orders)::int as orders
      from sold group by product_id order by revenue desc fetch first (${limit}) rows with ties)
    select p.id as "productId", p.sku, p.name, top.units, top.revenue, top.orders
    from top join products p on p.tenant_id = ${db.tenantId}::uuid and p.id = top.product_id
    order by top.revenue desc, p.sku limit ${limit}`);
}
