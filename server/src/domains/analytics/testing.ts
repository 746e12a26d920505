import { contracts, type OrderKind, type OrderStatus } from '@olympus/contracts';
import { array, sql, type Database } from '@olympus/database';
import { randomUUID } from 'node:crypto';
import { createEvents, type Events } from '../../events/events.ts';
import type { Ids } from '../../platform/ids.ts';
import { createLogger } from '../../platform/logger.ts';
import { orders } from '../orders/procedures.ts';
import { products } from '../products/procedures.ts';
import { procedures, startTestKernel, type TestKernel, withoutImages } from '../testing.ts';
import { live, type LivePace } from './live.ts';
import { analytics } from './procedures.ts';

export interface TestFigures extends TestKernel {
  readonly events: Events;
}
const absent = () => {
  throw new Error('not part of these tests');
};

export async function startFigures(databaseUrl: string | undefined, pace?: LivePace): Promise<TestFigures> {
  let events: Events | undefined;
  const kernel = await startTestKernel({
    databaseUrl,
    procedures: ({ cursors, database, clock, ids }) => {
      const log = createLogger({ level: 'silent' });
      events = createEvents({ database, redis: null, clock, ids, log, onHint() {} });
      const shop = { cursors, images: withoutImages, importer: absent, exporter: absent, follow: absent };
      return [
        ...procedures('products', contracts.products, products(shop)),
        ...procedures('orders', contracts.orders, orders(shop)),
        ...procedures('analytics', contracts.analytics, {
          ...analytics({ follow: events.follow }),
          live: live(events.follow, pace),
        }),
      ];
    },
  });
  if (!events) throw new Error('the procedures were not asked for');
  const started = events;
  started.start();
  return {
    ...kernel,
    events: started,
    async close() {
      await started.stop();
      await kernel.close();
    },
  };
}

export interface Sale {
  readonly id: string;
  readonly kind: OrderKind;
  status: OrderStatus;
  readonly customer: string | null;
  readonly country: string | null;
  readonly at: Date;
  readonly lines: readonly { readonly product: string; readonly quantity: number; readonly unitPrice: string }[];
}

/** A tenant without users, with what its sales name. */
export interface Trade {
  readonly tenantId: string;
  readonly timeZone: string;
  /** Skus by id. */
  readonly products: ReadonlyMap<string, string>;
  /** Codes, or else names, by id. */
  readonly customers: ReadonlyMap<string, string>;
}

/** Every third customer has no code. */
export async function openTrade(
  database: Database,
  ids: Ids,
  { timeZone = 'UTC', products = 0, customers = 0 }: { timeZone?: string; products?: number; customers?: number },
): Promise<Trade> {
  const tenantId = ids.next();
  const named = (count: number, name: (index: number) => string) =>
    new Map(Array.from({ length: count }, (_, index) => [randomUUID(), name(index)]));
  const trade = {
    tenantId,
    timeZone,
    products: named(products, (index) => `P${index}`),
    customers: named(customers, (index) => (index % 3 === 0 ? `N${index}` : `C${index}`)),
  };
  const codes = [...trade.customers.values()].map((label) => (label.startsWith('C') ? label : null));
  await database.systemTransaction((db) =>
    db.rows(sql`
      insert into tenants (id, name, time_zone, currency, created_at)
      values (${tenantId}::uuid, 'A trade', ${timeZone}, 'GBP', now())`),
  );
  await database.transaction(tenantId, async (db) => {
    await db.rows(sql`
      insert into products (tenant_id, id, sku, name, price, currency, named_at, created_at, updated_at)
      select ${tenantId}::uuid, id, sku, 'Name of ' || sku, 1, 'GBP', now(), now(), now()
      from unnest(${array([...trade.products.keys()])}::uuid[], ${array([...trade.products.values()])}::text[]) as p (id, sku)`);
    await db.rows(sql`
      insert into customers (tenant_id, id, code, name, created_at, updated_at)
      select ${tenantId}::uuid, id, code, name, now(), now()
      from unnest(${array([...trade.customers.keys()])}::uuid[], ${array(codes)}::text[],
                  ${array([...trade.customers.values()])}::text[]) as c (id, code, name)`);
  });
  return trade;
}

/** Writes sales and marks their months, in one transaction, as the orders domain does. */
export const sell = (database: Database, { tenantId, timeZone }: Trade, sales: readonly Sale[]): Promise<unknown> =>
  database.transaction(tenantId, (db) => {
    const lines = sales.flatMap(({ id, lines: own }) =>
      own.map((line, index) => ({ ...line, order: id, line: index + 1 })),
    );
    return db.rows(sql`
      with line as (
        select *, l.quantity * l.price as total
        from unnest(${array(lines.map(({ order }) => order))}::uuid[], ${array(lines.map(({ line }) => line))}::int[],
                    ${array(lines.map(({ product }) => product))}::uuid[], ${array(lines.map(({ quantity }) => quantity))}::int[],
                    ${array(lines.map(({ unitPrice }) => unitPrice))}::numeric[]) as l (id, line, product_id, quantity, price)
      ), sums as (select id, count(*) as lines, sum(quantity) as units, sum(total) as total from line group by id
      ), placed as (
        insert into orders (tenant_id, id, number, kind, status, customer_id, country, item_count, units, total, currency,
                            placed_at, placed_on, created_at, updated_at)
        select ${tenantId}::uuid, o.id, o.id::text, kind, status, customer, country, lines, units, total, 'GBP',
               at, (at at time zone ${timeZone})::date, now(), now()
        from unnest(${array(sales.map(({ id }) => id))}::uuid[], ${array(sales.map(({ kind }) => kind))}::text[],
                    ${array(sales.map(({ status }) => status))}::text[], ${array(sales.map(({ customer }) => customer))}::uuid[],
                    ${array(sales.map(({ country }) => country))}::text[], ${array(sales.map(({ at }) => at))}::timestamptz[])
          as o (id, kind, status, customer, country, at) join sums on sums.id = o.id
        returning placed_on
      ), ${marked(tenantId, sql`select placed_on from placed`)}
      insert into order_items (tenant_id, order_id, line, product_id, sku, name, quantity, unit_price, total)
      select ${tenantId}::uuid, id, line, product_id, 'sku', 'as sold', quantity, price, total from line`);
  });

/** Changes a sale's status, in the database and in `sale`. */
export async function move(database: Database, sale: Sale, to: { trade: Trade; status: OrderStatus }): Promise<void> {
  const { tenantId } = to.trade;
  await database.transaction(tenantId, (db) =>
    db.rows(sql`
      with moved as (update orders set status = ${to.status} where id = ${sale.id}::uuid returning placed_on),
      ${marked(tenantId, sql`select placed_on from moved`)} select`),
  );
  sale.status = to.status;
}

const marked = (tenantId: string, days: ReturnType<typeof sql>) => sql`marked as (
  insert into stale_months (tenant_id, month, marked_at)
  select distinct ${tenantId}::uuid, date_trunc('month', placed_on)::date as month, now() from (${days}) as day order by month
  on conflict (tenant_id, month) do update set marked_at = excluded.marked_at)`;
