import { array, sql, type Db } from '@olympus/database';
import type { ProductLine } from './import-lines.ts';

/** A product to be written, with the ids that it and the movement of its stock get if there are new ones. */
export interface ProductToWrite extends ProductLine {
  readonly id: string;
  readonly movementId: string;
}
export interface Writer {
  readonly userId: string;
  readonly currency: string;
  readonly now: Date;
}

/**
 * Adds products and changes those that differ, by sku; each sku may come once. A changed stock leaves its difference
 * among the movements. Resolves to how many products were added or changed.
 */
export async function writeProducts(db: Db, products: readonly ProductToWrite[], writer: Writer): Promise<number> {
  const { userId, currency, now } = writer;
  const column = (name: keyof ProductToWrite) => array(products.map((product) => product[name]));
  const tenantId = sql`${db.tenantId}::uuid`;
  const rows = await db.rows(sql`
    with given as (
      select * from unnest(
        ${column('id')}::uuid[], ${column('movementId')}::uuid[], ${column('sku')}::text[], ${column('name')}::text[],
        ${column('description')}::text[], ${column('price')}::numeric[], ${column('stock')}::bigint[]
      ) as g (id, movement_id, sku, name, description, price, stock)
    ), before as materialized (
      select id, sku, stock from products
      where tenant_id = ${tenantId} and sku = any(${column('sku')}::text[]) order by id for no key update
    ), written as (
      insert into products as p (tenant_id, id, sku, name, description, price, currency, stock, named_at, created_at, updated_at)
      select ${tenantId}, g.id, g.sku, g.name, g.description, g.price, ${currency}, g.stock, ${now}, ${now}, ${now}
      from given g left join before b on b.sku = g.sku order by g.sku
      on conflict (tenant_id, sku) do update set
        name = excluded.name, description = coalesce(excluded.description, p.description), price = excluded.price,
        stock = coalesce(excluded.stock, p.stock), named_at = excluded.named_at, updated_at = excluded.updated_at,
        version = p.version + 1
      where (p.name, p.description, p.price, p.stock) is distinct from
        (excluded.name, coalesce(excluded.description, p.description), excluded.price, coalesce(excluded.stock, p.stock))
      returning p.id, p.sku, p.stock
    ), moved as (
      insert into stock_movements (tenant_id, id, product_id, delta, reason, user_id, created_at)
      select ${tenantId}, g.movement_id, w.id, w.stock - coalesce(b.stock, 0), 'import', ${userId}::uuid, ${now}
      from written w join given g on g.sku = w.sku join before b on b.sku = w.sku
      where w.stock - coalesce(b.stock, 0) <> 0
    )
    select id from written`);
  return rows.length;
}
