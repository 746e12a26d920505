import { array, sql, type Db } from '@olympus/database';
import type { OrderInputLine } from './import-lines.ts';

/** What a batch needs of the import it is part of. */
export interface Run {
  readonly importId: string;
  readonly currency: string;
  readonly timeZone: string;
  readonly now: Date;
}

/**
 * The instants of local times in a zone. A time that the clocks skip is read as if they had not moved yet, one that they
 * show twice as the later of the two: https://www.postgresql.org/docs/15/datetime-invalid-input.html
 */
export function instantsOf(
  db: Db,
  locals: readonly string[],
  timeZone: string,
): Promise<{ local: string; instant: Date }[]> {
  return db.rows(sql`
    select local, local::timestamp at time zone ${timeZone} as instant from unnest(${array(locals)}::text[]) as given (local)`);
}

/** Which of the numbers belong to orders that were taken here. */
export async function takenNumbers(db: Db, numbers: readonly string[]): Promise<Set<string>> {
  const rows = await db.rows<{ number: string }>(sql`
    select number from orders
    where tenant_id = ${db.tenantId}::uuid and number = any(${array(numbers)}::text[]) and import_id is null`);
  return new Set(rows.map((row) => row.number));
}

/**
 * Has the session plan its statements anew, those behind foreign keys included. Plans are kept from when the tables were
 * empty and every index looked the same: checking a key would go on reading all of a tenant's orders.
 */
export async function planAnew(db: Db): Promise<void> {
  await db.rows(sql`discard plans`);
}

export interface KnownOrder {
  readonly id: string;
  readonly number: string;
  readonly importId: string | null;
  readonly itemCount: number;
  readonly placedOn: string;
}

/** The orders that have these numbers, locked until the transaction ends. */
export function lockOrders(db: Db, numbers: readonly string[]): Promise<KnownOrder[]> {
  return db.rows(sql`
    select id, number, import_id as "importId", item_count as "itemCount", placed_on as "placedOn" from orders
    where tenant_id = ${db.tenantId}::uuid and number = any(${array(numbers)}::text[])
    order by number for no key update`);
}

/** An order as its lines in one batch tell it. */
export interface OrderHead {
  readonly id: string;
  readonly number: string;
  readonly kind: string;
  readonly customerId: string | null;
  readonly country: string | null;
  readonly placedAt: Date;
  /** Items that the order has already from earlier batches of this run. */
  readonly offset: number;
}
export interface OrderItemRow {
  /** Place of its order among the heads, from 1. */
  readonly head: number;
  /** From 1 within the batch's part of the order. */
  readonly position: number;
  readonly productId: string;
  readonly line: OrderInputLine;
}

/**
 * Writes orders with their items and marks the months they count in. An order of this run goes on where it ended; one of
 * an earlier run is written over, and only what differs is written. Fails on `order_items_order` when another
 * transaction has taken one of the numbers meanwhile.
 */
export async function writeOrders(
  db: Db,
  run: Run,
  {
    heads,
    items,
    staleDays,
  }: { heads: readonly OrderHead[]; items: readonly OrderItemRow[]; staleDays: readonly string[] },
): Promise<void> {
  await db.rows(sql`
    with head as (
      select * from unnest(
        ${array(heads.map((head) => head.id))}::uuid[], ${array(heads.map((head) => head.number))}::text[],
        ${array(heads.map((head) => head.kind))}::text[], ${array(heads.map((head) => head.customerId))}::uuid[],
        ${array(heads.map((head) => head.country))}::text[], ${array(heads.map((head) => head.placedAt))}::timestamptz[],
        ${array(heads.map((head) => head.offset))}::int[]
      ) with ordinality as t (id, number, kind, customer_id, country, placed_at, ahead, place)
    ), item as (
      select * from unnest(
        ${array(items.map((item) => item.head))}::int[], ${array(items.map((item) => item.position))}::int[],
        ${array(items.map((item) => item.productId))}::uuid[], ${array(items.map((item) => item.line.sku))}::text[],
        ${array(items.map((item) => item.line.description))}::text[], ${array(items.map((item) => item.line.quantity))}::int[],
        ${array(items.map((item) => item.line.unitPrice))}::numeric[]
      ) as t (place, position, product_id, sku, name, quantity, unit_price)
    ), sum as (
      select place, count(*)::int as item_count, sum(quantity) as units, sum(quantity * unit_price) as total
      from item group by place
    ), written as (
      insert into orders as o (tenant_id, id, number, kind, status, customer_id, country, item_count, units, total,
                               currency, placed_at, placed_on, import_id, created_at, updated_at)
      select ${db.tenantId}::uuid, head.id, head.number, head.kind, 'completed', head.customer_id, head.country,
             sum.item_count, sum.units, sum.total, ${run.currency}, head.placed_at,
             (head.placed_at at time zone ${run.timeZone})::date, ${run.importId}::uuid, ${run.now}, ${run.now}
      from head join sum using (place) order by head.number
      on conflict (tenant_id, number) do update set
        import_id = excluded.import_id, updated_at = excluded.updated_at, version = o.version + 1, status = 'completed',
        currency = excluded.currency,
        kind = case when o.import_id = excluded.import_id then o.kind else excluded.kind end,
        country = case when o.import_id = excluded.import_id then o.country else excluded.country end,
        placed_at = case when o.import_id = excluded.import_id then o.placed_at else excluded.placed_at end,
        placed_on = case when o.import_id = excluded.import_id then o.placed_on else excluded.placed_on end,
        customer_id = case when o.import_id = excluded.import_id then coalesce(o.customer_id, excluded.customer_id)
                           else excluded.customer_id end,
        item_count = case when o.import_id = excluded.import_id then o.item_count else 0 end + excluded.item_count,
        units = case when o.import_id = excluded.import_id then o.units else 0 end + excluded.units,
        total = case when o.import_id = excluded.import_id then o.total else 0 end + excluded.total
      where o.id = excluded.id and o.import_id is not null
      returning placed_on
    ), marked as (
      insert into stale_months (tenant_id, month, marked_at)
      select ${db.tenantId}::uuid, month, ${run.now} from (
        select date_trunc('month', placed_on)::date as month from written
        union select date_trunc('month', day)::date from unnest(${array(staleDays)}::date[]) as given (day)
      ) as months order by month
      on conflict (tenant_id, month) do update set marked_at = excluded.marked_at
    )
    insert into order_items as i (tenant_id, order_id, line, product_id, sku, name, quantity, unit_price, total)
    select ${db.tenantId}::uuid, head.id, head.ahead + item.position, item.product_id, item.sku, item.name,
           item.quantity, item.unit_price, item.quantity * item.unit_price
    from item join head using (place)
    on conflict (tenant_id, order_id, line) do update set
      product_id = excluded.product_id, sku = excluded.sku, name = excluded.name, quantity = excluded.quantity,
      unit_price = excluded.unit_price, total = excluded.total
    where (i.product_id, i.sku, i.name, i.quantity, i.unit_price)
      is distinct from (excluded.product_id, excluded.sku, excluded.name, excluded.quantity, excluded.unit_price)`);
}

/** Removes the items that an earlier run left beyond the `length` that their orders have now. */
export async function dropSurplusItems(db: Db, orders: readonly { id: string; length: number }[]): Promise<void> {
  await db.rows(sql`
    delete from order_items i
    using unnest(${array(orders.map((order) => order.id))}::uuid[], ${array(orders.map((order) => order.length))}::int[]) as o (id, length)
    where i.tenant_id = ${db.tenantId}::uuid and i.order_id = o.id and i.line > o.length`);
}
