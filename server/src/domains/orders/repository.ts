import { array, sql, type Db } from '@olympus/database';
import { itemsJson, summaryColumns, type OrderRow } from './order.ts';

/** Orders with their items, in no order, by one statement. */
export const findOrders = (db: Db, ids: readonly string[]): Promise<OrderRow[]> =>
  db.rows<OrderRow>(sql`
    select ${summaryColumns}, coalesce(
      (select ${itemsJson} from order_items i where i.tenant_id = o.tenant_id and i.order_id = o.id), '[]') as items
    from orders o where o.tenant_id = ${db.tenantId}::uuid and ${isOneOf(ids)}`);

/** An array may hold any number of ids, so PostgreSQL would plan anew each time, which takes longer than to read one order. */
const isOneOf = (ids: readonly string[]) =>
  ids.length === 1 ? sql`o.id = ${ids[0]}::uuid` : sql`o.id = any(${array(ids)}::uuid[])`;

/**
 * Orders with their items, locked until the transaction ends. Locked first and read then, because a statement that had
 * to wait would see the order's row as it is, but its items as they were.
 */
export async function lockOrders(db: Db, ids: readonly string[]): Promise<OrderRow[]> {
  if (ids.length === 0) return [];
  await db.rows(sql`
    select o.id from orders o where o.tenant_id = ${db.tenantId}::uuid and o.id = any(${array(ids)}::uuid[])
    order by o.id for no key update`);
  return findOrders(db, ids);
}

type Kind = 'customers' | 'locations' | 'numbers';

/** Which of the customers and locations that new orders name exist, and which of the numbers are taken. */
export async function findReferences(
  db: Db,
  named: Readonly<Record<Kind, readonly string[]>>,
): Promise<Record<Kind, Set<string>>> {
  const parts = [
    named.customers.length > 0 &&
      sql`select 'customers' as kind, id::text as value from customers
          where tenant_id = ${db.tenantId}::uuid and id = any(${array(named.customers)}::uuid[])`,
    named.locations.length > 0 &&
      sql`select 'locations' as kind, id::text as value from locations
          where tenant_id = ${db.tenantId}::uuid and id = any(${array(named.locations)}::uuid[])`,
    named.numbers.length > 0 &&
      sql`select 'numbers' as kind, number as value from orders
          where tenant_id = ${db.tenantId}::uuid and number = any(${array(named.numbers)}::text[])`,
  ].filter((part) => part !== false);
  const rows = parts.length > 0 ? await db.rows<{ kind: Kind; value: string }>(sql.join(parts, sql` union all `)) : [];
  const found = (kind: Kind) => new Set(rows.filter((row) => row.kind === kind).map(({ value }) => value));
  return { customers: found('customers'), locations: found('locations'), numbers: found('numbers') };
}
