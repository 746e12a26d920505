import type { Product } from '@olympus/contracts';
import type { Db } from '@olympus/database';
import type { Fail } from '../../kernel/failure.ts';
import { toProduct } from './product.ts';
import { lockShelf, moveStock, type Goods } from './repository.ts';

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

/** Tracked products stay locked until the transaction ends, taken in the order of their ids so that none waits in a circle. */
export async function openShelf(db: Db, productIds: Iterable<string>): Promise<Shelf> {
  const rows = await lockShelf(db, [...new Set(productIds)]);
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
    write: async (now) => {
      const deltas = [...moved].filter(([, delta]) => delta !== 0);
      return (await moveStock(db, deltas, now)).map(toProduct);
    },
  };
}
