import type { Product } from '@olympus/contracts';
import { sql } from '@olympus/database';
import type { Entry } from '../../events/outbox.ts';
import { moneyOf } from '../money.ts';

/** The columns of `products p` under the names that rows are read by. */
export const productColumns = sql`
  p.id, p.sku, p.name, p.description, p.price, p.currency, p.stock, p.active, p.image_url as "imageUrl",
  p.created_at as "createdAt", p.updated_at as "updatedAt", p.version`;

export interface ProductRow {
  readonly id: string;
  readonly sku: string;
  readonly name: string;
  readonly description: string | null;
  readonly price: string;
  readonly currency: string;
  readonly stock: string | null;
  readonly active: boolean;
  readonly imageUrl: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly version: number;
}

export const toProduct = (row: ProductRow): Product => ({
  id: row.id,
  sku: row.sku,
  name: row.name,
  description: row.description,
  price: moneyOf(row.price, row.currency),
  stock: row.stock === null ? null : Number(row.stock),
  active: row.active,
  imageUrl: row.imageUrl,
  createdAt: row.createdAt,
  updatedAt: row.updatedAt,
  version: row.version,
});

/** A product after a change, and the event that tells of it; null where nothing changed. */
export interface ProductChange {
  readonly product: Product;
  /** As it was, where that is known. */
  readonly before?: Product;
  readonly event: 'product.created' | 'product.updated' | null;
}

/** The events of changes, in their order, as the outbox takes them. */
export const eventsOf = (changes: readonly ProductChange[]): Entry[] =>
  changes.flatMap(({ product, event: type }) =>
    type ? [{ subject: { topic: 'products', id: product.id }, payload: { type, productId: product.id, product } }] : [],
  );
