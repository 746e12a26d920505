import { openDatabase, sql } from '@olympus/database';
import type { Store } from '../../harness.ts';

/** What the payment provider did for one order: the kinds of its effects, in their order, and requests for each. */
interface Booked {
  readonly effects: readonly string[];
  readonly requests: Readonly<Record<string, number>>;
}
export interface Audit {
  readonly booked: ReadonlyMap<string, Booked>;
  /** By order: the versions that its events tell of, in the order of the log, and its version now. */
  readonly told: ReadonlyMap<string, { readonly versions: number[]; readonly version: number }>;
  /** Products of which what is in stock and what is sold are not as many as there were. */
  readonly wrongStock: readonly string[];
  /** Events that have no place in the log. */
  readonly unplaced: number;
}

/** Reads everything beside the servers, of which none may run on the embedded database meanwhile. */
export async function audit(store: Store, stocked: number): Promise<Audit> {
  const { DATABASE_URL: url, OLYMPUS_DATA_DIR: dataDir } = store.env;
  const database = await openDatabase(url ? { url } : { dataDir: dataDir ?? '' });
  try {
    const booked = new Map<string, { effects: string[]; requests: Record<string, number> }>();
    for (const row of await database.systemDb.rows<{ orderId: string; kind: string; requests: number }>(sql`
      select split_part(key, ':', 2) as "orderId", kind, requests from simulated_payments
      where refused is null and effective_at < 'infinity' order by ordinal`)) {
      const entry = booked.get(row.orderId) ?? { effects: [], requests: {} };
      booked.set(row.orderId, entry);
      entry.effects.push(row.kind);
      entry.requests[row.kind] = row.requests;
    }
    const told = new Map<string, { versions: number[]; version: number }>();
    const wrongStock: string[] = [];
    let unplaced = 0;
    for (const { id: tenantId } of await database.systemDb.rows<{ id: string }>(sql`select id from tenants`)) {
      const db = database.tenant(tenantId);
      for (const { id, ...rest } of await db.rows<{ id: string; versions: number[]; version: number }>(sql`
        select o.id, o.version, array(
          select (e.payload #>> '{order,version}')::int from events e
          where e.tenant_id = o.tenant_id and e.subject_id = o.id order by e.position) as versions
        from orders o where o.tenant_id = ${tenantId}::uuid`))
        told.set(id, rest);
      const products = await db.rows<{ id: string; left: string }>(sql`
        select p.id, p.stock + coalesce((
          select sum(i.quantity) from order_items i
          join orders o on o.tenant_id = i.tenant_id and o.id = i.order_id and o.status <> 'cancelled'
          where i.tenant_id = p.tenant_id and i.product_id = p.id), 0) as left
        from products p where p.tenant_id = ${tenantId}::uuid`);
      wrongStock.push(...products.filter(({ left }) => Number(left) !== stocked).map(({ id }) => id));
      const [row] = await db.rows<{ count: number }>(sql`
        select count(*)::int as count from events where tenant_id = ${tenantId}::uuid and position is null`);
      unplaced += row?.count ?? 0;
    }
    return { booked, told, wrongStock, unplaced };
  } finally {
    await database.close();
  }
}
