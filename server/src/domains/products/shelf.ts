import type { Product } from '@olympus/contracts';
import { array, sql, type Db } from '@olympus/database';
import type { Fail } from '../../kernel/failure.ts';
import { productColumns, toProduct, type ProductRow } from './product.ts';

/** A product as an order meets it. */
export interface Goods {
  readonly id: string;
  readonly sku: string;
  readonly name: string;
  /** A decimal in the tenant's currency. */
  readonly price: string;
  readonly active: boolean;
}

/** Units by product id. */
export type Units = ReadonlyMap<string, number>;

/** The products that a transaction's orders are about, and what they take from stock and give back to it. */
export interface Shelf {
  find(productId: string): Goods | undefined;
  /** Takes all or nothing, of tracked products only, and gives back what is `returned`: it may be taken again at once. */
  take(units: Units, fail: Fail<'OUT_OF_STOCK'>, returned?: Units): void;
  giveBack(units: Units): void;
  /** Writes what was moved; resolves to the products whose stock is another now. */
  write(now: Date): Promise<Product[]>;
}

interface ShelfRow extends Goods {
  readonly stock: string | null;
}

/** Tracked products stay locked until the transaction ends, taken in the order of their ids so that none waits in a circle. */
export async function openShelf(db: Db, productIds: Iterable<string>): Promise<Shelf> {
  const rows = await readAndLock(db, [...new Set(productIds)]);
  const goods = new Map(rows.map((row) => [row.id, row]));
  const stock = new Map(rows.flatMap(({ id, stock: units }) => (units === null ? [] : [[id, Number(units)]])));
  const moved = new Map<string, number>();
  const move = (id: string, delta: number) => {
    const left = stock.get(id);
    if (left === undefined) return;
    stock.set(id, left + delta);
    moved.set(id, (moved.get(id) ?? 0) + delta);
  };

  return {
    find: (productId) => goods.get(productId),
    take(units, fail, returned = new Map()) {
      for (const [id, requested] of units) {
        const left = stock.get(id);
        if (left === undefined) continue;
        const available = left + (returned.get(id) ?? 0);
        if (requested > available)
          fail('OUT_OF_STOCK', { productId: id, sku: goods.get(id)?.sku ?? '', requested, available });
      }
      for (const [id, requested] of units) move(id, -requested);
      for (const [id, count] of returned) move(id, count);
    },
    giveBack(units) {
      for (const [id, count] of units) move(id, count);
    },
    write: (now) =>
      writeStock(
        db,
        [...moved].filter(([, delta]) => delta !== 0),
        now,
      ),
  };
}

/** A lock waits for whoever holds it and then shows the product as that one left it, hence the locked columns first. */
async function readAndLock(db: Db, ids: readonly string[]): Promise<ShelfRow[]> {
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

async function writeStock(db: Db, deltas: readonly [id: string, delta: number][], now: Date): Promise<Product[]> {
  if (deltas.length === 0) return [];
  const rows = await db.rows<ProductRow>(sql`
    update products p set stock = p.stock + d.delta, version = p.version + 1, updated_at = ${now}
    from unnest(${array(deltas.map(([id]) => id))}::uuid[], ${array(deltas.map(([, delta]) => delta))}::bigint[]) as d (id, delta)
    where p.tenant_id = ${db.tenantId}::uuid and p.id = d.id returning ${productColumns}`);
  return rows.map(toProduct);
}
