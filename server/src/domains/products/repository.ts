import { array, sql, type Db } from '@olympus/database';
import { productColumns, type ProductRow } from './product.ts';

export interface NewProduct {
  readonly id: string;
  readonly sku: string;
  readonly name: string;
  readonly description: string | null;
  readonly price: string;
  readonly currency: string;
  readonly stock: number | null;
  readonly lowStockAt: number | null;
  readonly active: boolean;
  readonly imageUrl: string | null;
}

/** What is undefined stays as it is. */
export type ProductChanges = { readonly [K in Exclude<keyof NewProduct, 'id'>]?: NewProduct[K] | undefined };

/** Which product a change is for: any version of it, or only the one that the caller has seen. */
export interface Target {
  readonly id: string;
  readonly expectedVersion: number | undefined;
}

export async function findProduct(db: Db, id: string): Promise<ProductRow | undefined> {
  const [row] = await db.rows<ProductRow>(
    sql`select ${productColumns} from products p where p.tenant_id = ${db.tenantId}::uuid and p.id = ${id}::uuid`,
  );
  return row;
}

/** Locks products in the order of their ids, as every transaction does that changes several: so none waits in a circle. */
export async function lockProducts(db: Db, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await db.rows(sql`
    select p.id from products p where p.tenant_id = ${db.tenantId}::uuid and p.id = any(${array(ids)}::uuid[])
    order by p.id for no key update`);
}

/** undefined when the sku is taken. */
export async function insertProduct(db: Db, product: NewProduct, now: Date): Promise<ProductRow | undefined> {
  const [row] = await db.rows<ProductRow>(sql`
    insert into products as p (tenant_id, id, sku, name, description, price, currency, stock, low_stock_at, active, image_url,
                               named_at, created_at, updated_at)
    values (${db.tenantId}::uuid, ${product.id}::uuid, ${product.sku}, ${product.name}, ${product.description},
            ${product.price}::numeric, ${product.currency}, ${product.stock}::bigint, ${product.lowStockAt}::bigint, ${product.active},
            ${product.imageUrl}, ${now}, ${now}, ${now})
    on conflict (tenant_id, sku) do nothing
    returning ${productColumns}`);
  return row;
}

/**
 * The product before and after; undefined when there is no such product of that version. A stock set by hand leaves its
 * difference among the movements. Throws the database's `23505` when the sku is taken.
 */
export async function updateProduct(
  db: Db,
  target: Target,
  change: { changes: ProductChanges; movementId: string; userId: string; now: Date },
): Promise<{ before: ProductRow; after: ProductRow } | undefined> {
  const { changes, movementId, userId, now } = change;
  const set = [sql`version = p.version + 1`, sql`updated_at = ${now}`];
  if (changes.sku !== undefined) set.push(sql`sku = ${changes.sku}`);
  if (changes.name !== undefined) set.push(sql`name = ${changes.name}`, sql`named_at = ${now}`);
  if (changes.description !== undefined) set.push(sql`description = ${changes.description}`);
  if (changes.price !== undefined) set.push(sql`price = ${changes.price}::numeric`);
  if (changes.stock !== undefined) set.push(sql`stock = ${changes.stock}::bigint`);
  if (changes.lowStockAt !== undefined) set.push(sql`low_stock_at = ${changes.lowStockAt}::bigint`);
  if (changes.active !== undefined) set.push(sql`active = ${changes.active}`);
  if (changes.imageUrl !== undefined) set.push(sql`image_url = ${changes.imageUrl}`);
  const moved = sql`, moved as (
      insert into stock_movements (tenant_id, id, product_id, delta, reason, user_id, created_at)
      select ${db.tenantId}::uuid, ${movementId}::uuid, before.id,
             coalesce(changed.stock, 0) - coalesce(before.stock, 0), null, ${userId}::uuid, ${now}
      from before join changed on changed.id = before.id
      where coalesce(changed.stock, 0) <> coalesce(before.stock, 0)
    )`;
  const [before, after] = await db.rows<ProductRow>(sql`
    with before as materialized (
      select ${productColumns} from products p where ${isTarget(db, target)} for no key update
    ), changed as (
      update products p set ${sql.join(set, sql`, `)} from before where p.tenant_id = ${db.tenantId}::uuid and p.id = before.id
      returning ${productColumns}
    )${changes.stock === undefined ? sql`` : moved}
    select * from before union all select * from changed order by version`);
  return before && after && { before, after };
}

/** Counts a change of what belongs to a product. undefined when there is no such product of that version. */
export async function touchProduct(db: Db, target: Target, now: Date): Promise<ProductRow | undefined> {
  const [row] = await db.rows<ProductRow>(sql`
    update products p set version = p.version + 1, updated_at = ${now} where ${isTarget(db, target)}
    returning ${productColumns}`);
  return row;
}

/** undefined when it is archived already, or there is no such product of that version. */
export async function archiveProduct(db: Db, target: Target, now: Date): Promise<ProductRow | undefined> {
  const [row] = await db.rows<ProductRow>(sql`
    update products p set active = false, version = p.version + 1, updated_at = ${now}
    where ${isTarget(db, target)} and p.active returning ${productColumns}`);
  return row;
}

/** undefined when there is no such product of that version, its stock is untracked, or would leave 0 to `most`. */
export async function adjustStock(
  db: Db,
  target: Target,
  movement: { id: string; delta: number; most: number; reason: string | null; userId: string; now: Date },
): Promise<ProductRow | undefined> {
  const { delta, now } = movement;
  const [row] = await db.rows<ProductRow>(sql`
    with changed as (
      update products p set stock = p.stock + ${delta}::bigint, version = p.version + 1, updated_at = ${now}
      where ${isTarget(db, target)} and p.stock + ${delta}::bigint >= 0
        and (p.stock + ${delta}::bigint <= ${movement.most}::bigint or ${delta}::bigint <= 0)
      returning ${productColumns}
    ), moved as (
      insert into stock_movements (tenant_id, id, product_id, delta, reason, user_id, created_at)
      select ${db.tenantId}::uuid, ${movement.id}::uuid, changed.id, ${delta}::int, ${movement.reason},
             ${movement.userId}::uuid, ${now} from changed
    )
    select * from changed`);
  return row;
}

/** A product as an order meets it. */
export interface Goods {
  readonly id: string;
  readonly sku: string;
  readonly name: string;
  /** A decimal in the tenant's currency. */
  readonly price: string;
  readonly active: boolean;
}

export interface ShelfRow extends Goods {
  readonly stock: string | null;
}

/**
 * Reads products, and locks those whose stock is tracked. A lock waits for whoever holds it and then shows the product
 * as that one left it, hence the locked columns first.
 */
export async function lockShelf(db: Db, ids: readonly string[]): Promise<ShelfRow[]> {
  if (ids.length === 0) return [];
  const wanted = sql`p.tenant_id = ${db.tenantId}::uuid and p.id = any(${array(ids)}::uuid[])`;
  return db.rows<ShelfRow>(sql`
    with locked as materialized (
      select p.id, p.sku, p.name, p.price, p.active, p.stock from products p
      where ${wanted} and p.stock is not null order by p.id for no key update
    )
    select p.id, coalesce(l.sku, p.sku) as sku, coalesce(l.name, p.name) as name, coalesce(l.price, p.price) as price,
           coalesce(l.active, p.active) as active, l.stock
    from products p left join locked l on l.id = p.id where ${wanted}`);
}

/** Writes differences of stock; answers with the products they changed. */
export async function moveStock(
  db: Db,
  deltas: readonly (readonly [id: string, delta: number])[],
  now: Date,
): Promise<ProductRow[]> {
  if (deltas.length === 0) return [];
  return db.rows<ProductRow>(sql`
    update products p set stock = p.stock + d.delta, version = p.version + 1, updated_at = ${now}
    from unnest(${array(deltas.map(([id]) => id))}::uuid[], ${array(deltas.map(([, delta]) => delta))}::bigint[]) as d (id, delta)
    where p.tenant_id = ${db.tenantId}::uuid and p.id = d.id returning ${productColumns}`);
}

const isTarget = (db: Db, { id, expectedVersion }: Target) =>
  expectedVersion === undefined
    ? sql`p.tenant_id = ${db.tenantId}::uuid and p.id = ${id}::uuid`
    : sql`p.tenant_id = ${db.tenantId}::uuid and p.id = ${id}::uuid and p.version = ${expectedVersion}`;
