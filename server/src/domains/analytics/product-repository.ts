import { sql, type Db, type SQL } from '@olympus/database';
import type { DayRange } from './range.ts';
import { counted, totals, type TotalsRow } from './repository.ts';

/**
 * The range in two parts: months that `product_months` tells of, and spans of days that only the items tell of, because
 * the range cuts their month or because it is stale. Both in one statement, hence of one moment, hence exact.
 */
function partsOf(db: Db, { from, to }: DayRange): { spans: SQL; rolledUp: SQL; items: SQL } {
  const tenantId = sql`${db.tenantId}::uuid`;
  const firstWhole =
    from === null ? null : sql`date_trunc('month', ${from}::date + interval '1 month' - interval '1 day')::date`;
  const wholeEnd = to === null ? null : sql`date_trunc('month', ${to}::date + 1)::date`;
  const after = to === null ? null : sql`${to}::date + 1`;
  const whole = (month: SQL) => sql`
    ${firstWhole ? sql`and ${month} >= ${firstWhole}` : sql``} ${wholeEnd ? sql`and ${month} < ${wholeEnd}` : sql``}`;
  const start =
    from === null
      ? sql``
      : sql`union all select ${from}::date, ${after ? sql`least(${firstWhole}, ${after})` : firstWhole}`;
  const end = after
    ? sql`union all select ${firstWhole ? sql`greatest(${firstWhole}, ${wholeEnd})` : wholeEnd}, ${after}`
    : sql``;
  return {
    spans: sql`span (first, after) as (
      select s.month, (s.month + interval '1 month')::date from stale_months s
      where s.tenant_id = ${tenantId} ${whole(sql`s.month`)} ${start} ${end})`,
    rolledUp: sql`
      from product_months p where p.tenant_id = ${tenantId} ${whole(sql`p.month`)}
        and not exists (select from stale_months s where s.tenant_id = ${tenantId} and s.month = p.month)`,
    items: sql`
      from span
      join orders o on o.tenant_id = ${tenantId} and o.placed_on >= span.first and o.placed_on < span.after and ${counted}
      join order_items i on i.tenant_id = ${tenantId} and i.order_id = o.id`,
  };
}

export interface SummaryRow extends TotalsRow {
  readonly products: number;
}

export async function summary(db: Db, range: DayRange): Promise<SummaryRow> {
  const { spans, rolledUp, items } = partsOf(db, range);
  const [row] = await db.rows<SummaryRow>(sql`
    with ${spans}, product as (select p.product_id ${rolledUp} union select i.product_id ${items})
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
  const { spans, rolledUp, items } = partsOf(db, range);
  return db.rows(sql`
    with ${spans}, sold as (
      select p.product_id, p.units, p.revenue, p.orders ${rolledUp}
      union all
      select product_id, sum(units), sum(revenue), count(*) from (
        select i.product_id, sum(i.quantity) as units, sum(i.total) as revenue ${items} group by i.product_id, i.order_id) o
      group by product_id
    ), top as (
      select product_id, sum(units) as units, sum(revenue) as revenue, sum(orders)::int as orders
      from sold group by product_id order by revenue desc fetch first (${limit}) rows with ties)
    select p.id as "productId", p.sku, p.name, top.units, top.revenue, top.orders
    from top join products p on p.tenant_id = ${db.tenantId}::uuid and p.id = top.product_id
    order by top.revenue desc, p.sku limit ${limit}`);
}
