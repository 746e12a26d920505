import type { Product, ProductImage } from '@olympus/contracts';
import { sql } from '@olympus/database';
import type { Entry } from '../../events/outbox.ts';
import { moneyOf } from '../money.ts';

/** The columns of `products p` under the names that rows are read by. */
export const productColumns = sql`
  p.id, p.sku, p.name, p.description, p.price, p.currency, p.stock, p.low_stock_at as "lowStockAt", p.active, p.image_url as "imageUrl",
  (select json_build_object('id', f.id, 'mediaType', f.media_type, 'width', f.width, 'height', f.height, 'bytes', f.bytes)
   from files f where f.tenant_id = p.tenant_id and f.product_id = p.id) as image,
  p.created_at as "createdAt", p.updated_at as "updatedAt", p.version`;

export interface ProductRow {
  readonly id: string;
  readonly sku: string;
  readonly name: string;
  readonly description: string | null;
  readonly price: string;
  readonly currency: string;
  readonly stock: string | null;
  readonly lowStockAt: string | null;
  readonly active: boolean;
  readonly imageUrl: string | null;
  readonly image: Omit<ProductImage, 'url'> | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly version: number;
}

/** Its image’s address is the lasting one, which needs a credential: what is kept of a product must not run out. */
export const toProduct = (row: ProductRow): Product => ({
  id: row.id,
  sku: row.sku,
  name: row.name,
  description: row.description,
  price: moneyOf(row.price, row.currency),
  stock: row.stock === null ? null : Number(row.stock),
  lowStockAt: row.lowStockAt === null ? null : Number(row.lowStockAt),
  active: row.active,
  image: row.image && { ...row.image, url: `/api/v1/files/${row.image.id}` },
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
