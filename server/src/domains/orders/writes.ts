import type { OrderStatus, PaymentStatus } from '@olympus/contracts';
import { array, sql, type Db } from '@olympus/database';
import { itemsJson, summaryColumns, type OrderRow } from './order.ts';

/** A line to be sold: the product's terms, and how many. */
export interface Line {
  readonly productId: string;
  readonly sku: string;
  readonly name: string;
  readonly quantity: number;
  /** A decimal in the order's currency. */
  readonly unitPrice: string;
}

export interface Draft {
  readonly id: string;
  /** null: the tenant's next. */
  readonly number: string | null;
  readonly customerId: string | null;
  readonly locationId: string | null;
  readonly country: string | null;
  readonly notes: string | null;
  readonly lines: readonly Line[];
  /** null: the order is placed without a payment. */
  readonly payment: { readonly method: string; readonly authorizeMs: number } | null;
}

export interface Revision {
  readonly id: string;
  readonly status: OrderStatus;
  readonly notes: string | null;
  /** null: as they are. */
  readonly lines: readonly Line[] | null;
  /** Whether the order counts otherwise than before in the sales of its month. */
  readonly recount: boolean;
  /** Absent: as it is. */
  readonly paymentStatus?: PaymentStatus;
}

/** Who places orders, when and where. */
export interface Placing {
  readonly userId: string;
  readonly timeZone: string;
  readonly currency: string;
  readonly now: Date;
}

const firstNumber = 100_001;

/**
 * Writes new sales, their lines, and the mark on their month, by one statement; the answer leaves out those whose number
 * is taken. Numbers are drawn here, late in the transaction, because drawing one makes the tenant's other sales wait.
 */
export async function insertOrders(db: Db, drafts: readonly Draft[], placing: Placing): Promise<OrderRow[]> {
  if (drafts.length === 0) return [];
  const { userId, timeZone, currency, now } = placing;
  const tenantId = sql`${db.tenantId}::uuid`;
  const drawn = drafts.filter(({ number }) => number === null).length;
  const column = (name: 'id' | 'number' | 'customerId' | 'locationId' | 'country' | 'notes') =>
    array(drafts.map((draft) => draft[name]));
  const payments = array(drafts.map(({ payment }): PaymentStatus => (payment ? 'authorizing' : 'none')));
  return db.rows<OrderRow>(sql`
    with draft as (
      select *, row_number() over (partition by number is null order by turn) - 1 as nth
      from unnest(${column('id')}::uuid[], ${column('number')}::text[], ${column('customerId')}::uuid[],
                  ${column('locationId')}::uuid[], ${column('country')}::text[], ${column('notes')}::text[],
                  ${payments}::text[])
        with ordinality as d (id, number, customer_id, location_id, country, notes, payment_status, turn)
    ), ${linesCte(drafts)}, head as (
      insert into order_numbers as n (tenant_id, next)
      select ${tenantId}, ${firstNumber}::bigint + ${drawn}::bigint where ${drawn}::bigint > 0
      on conflict (tenant_id) do update set next = n.next + ${drawn}::bigint
      returning n.next - ${drawn}::bigint as first
    ), placed as (
      insert into orders as o (tenant_id, id, number, kind, status, customer_id, location_id, created_by, country, notes,
                               item_count, units, total, currency, payment_status, placed_at, placed_on, created_at, updated_at)
      select ${tenantId}, d.id, coalesce(d.number, (head.first + d.nth)::text), 'sale', 'pending', d.customer_id,
             d.location_id, ${userId}::uuid, d.country, d.notes, s.item_count, s.units, s.total, ${currency},
             d.payment_status, ${now}, (${now}::timestamptz at time zone ${timeZone})::date, ${now}, ${now}
      from draft d join sums s on s.order_id = d.id left join head on true
      order by d.turn
      on conflict (tenant_id, number) do nothing
      returning ${summaryColumns}, o.placed_on
    ), written as (
      insert into order_items as i (tenant_id, order_id, line, product_id, sku, name, quantity, unit_price, total)
      select ${tenantId}, l.order_id, l.line, l.product_id, l.sku, l.name, l.quantity, l.unit_price, l.total
      from lines l join placed on placed.id = l.order_id
      returning i.*
    ), ${markCte(db, sql`select placed_on from placed`, now)}
    select placed.*, (select ${itemsJson} from written i where i.order_id = placed.id) as items from placed`);
}

/** Takes the lock that drawing a number takes, before it is drawn. */
export async function lockNextNumber(db: Db): Promise<void> {
  await db.rows(sql`select next from order_numbers where tenant_id = ${db.tenantId}::uuid for update`);
}

/**
 * Moves the tenant's next number past the taken ones that follow it without a gap, 10,000 at most. Numbers of one length
 * sort like the text they are, and the n-th after `next` belongs to the run as long as it is `next + n`.
 */
export async function skipTakenNumbers(db: Db): Promise<void> {
  const next = sql`(select next from order_numbers where tenant_id = ${db.tenantId}::uuid)`;
  await db.rows(sql`
    with given as (
      select o.number from orders o
      where o.tenant_id = ${db.tenantId}::uuid and o.number >= ${next}::text
        and length(o.number) = length(${next}::text) and o.number ~ '^[0-9]+$'
      order by o.number limit 10000
    ), run as (
      select count(*) as length from (select number::bigint - row_number() over (order by number) + 1 as first from given) g
      where first = ${next}
    )
    update order_numbers set next = next + run.length from run where tenant_id = ${db.tenantId}::uuid`);
}

/** Writes changes of locked orders, each of another one, and the marks on their months, by one statement. */
export async function updateOrders(db: Db, revisions: readonly Revision[], now: Date): Promise<OrderRow[]> {
  if (revisions.length === 0) return [];
  const tenantId = sql`${db.tenantId}::uuid`;
  const column = (value: (revision: Revision) => string | boolean | null) => array(revisions.map(value));
  const replaced = revisions.flatMap(({ id, lines }) => (lines ? [{ id, lines }] : []));
  return db.rows<OrderRow>(sql`
    with revision as (
      select * from unnest(${column(({ id }) => id)}::uuid[], ${column(({ status }) => status)}::text[],
                           ${column(({ notes }) => notes)}::text[], ${column(({ recount }) => recount)}::boolean[],
                           ${column(({ paymentStatus }) => paymentStatus ?? null)}::text[])
        as r (id, status, notes, recount, payment_status)
    ), ${linesCte(replaced)}, revised as (
      update orders o set status = r.status, notes = r.notes, version = o.version + 1, updated_at = ${now},
        payment_status = coalesce(r.payment_status, o.payment_status), item_count = coalesce(s.item_count, o.item_count), units = coalesce(s.units, o.units), total = coalesce(s.total, o.total)
      from revision r left join sums s on s.order_id = r.id
      where o.tenant_id = ${tenantId} and o.id = r.id
      returning ${summaryColumns}, o.placed_on, r.recount
    ), removed as (
      delete from order_items i using sums s
      where i.tenant_id = ${tenantId} and i.order_id = s.order_id and i.line > s.item_count
    ), written as (
      insert into order_items as i (tenant_id, order_id, line, product_id, sku, name, quantity, unit_price, total)
      select ${tenantId}, l.order_id, l.line, l.product_id, l.sku, l.name, l.quantity, l.unit_price, l.total from lines l
      on conflict (tenant_id, order_id, line) do update set product_id = excluded.product_id, sku = excluded.sku,
        name = excluded.name, quantity = excluded.quantity, unit_price = excluded.unit_price, total = excluded.total
      returning i.*
    ), ${markCte(db, sql`select placed_on from revised where recount`, now)}
    select revised.*, coalesce(
      (select ${itemsJson} from written i where i.order_id = revised.id),
      (select ${itemsJson} from order_items i where i.tenant_id = ${tenantId} and i.order_id = revised.id), '[]') as items
    from revised`);
}

/** Lines with their totals, and the sums of each order: exact, in the database's numeric. */
function linesCte(orders: readonly { readonly id: string; readonly lines: readonly Line[] }[]) {
  const lines = orders.flatMap(({ id, lines: own }) =>
    own.map((line, index) => ({ ...line, orderId: id, line: index + 1 })),
  );
  const column = (name: 'orderId' | 'line' | 'productId' | 'sku' | 'name' | 'quantity' | 'unitPrice') =>
    array(lines.map((line) => line[name]));
  return sql`lines as (
      select *, l.quantity * l.unit_price as total
      from unnest(${column('orderId')}::uuid[], ${column('line')}::int[], ${column('productId')}::uuid[],
                  ${column('sku')}::text[], ${column('name')}::text[], ${column('quantity')}::int[],
                  ${column('unitPrice')}::numeric[])
        as l (order_id, line, product_id, sku, name, quantity, unit_price)
    ), sums as (
      select order_id, count(*)::int as item_count, sum(quantity) as units, sum(total) as total from lines group by order_id
    )`;
}

/** Updates a mark that is there, so that a roll-up of the month which runs meanwhile waits for this transaction. */
const markCte = (db: Db, days: ReturnType<typeof sql>, now: Date) => sql`marked as (
      insert into stale_months (tenant_id, month, marked_at)
      select distinct ${db.tenantId}::uuid, date_trunc('month', day.placed_on)::date as month, ${now}::timestamptz
      from (${days}) as day order by month
      on conflict (tenant_id, month) do update set marked_at = excluded.marked_at
    )`;
