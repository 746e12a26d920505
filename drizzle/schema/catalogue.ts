import { bigint, boolean, index, integer, pgTable, primaryKey, text, unique, uuid } from 'drizzle-orm/pg-core';
import { code, id, instant, money, stamps, tenantId, tenantPolicy } from '../columns.ts';
import { tenants } from './identity.ts';

export const products = pgTable(
  'products',
  {
    tenantId: tenantId().references(() => tenants.id),
    id: id(),
    sku: code().notNull(),
    name: text().notNull(),
    description: text(),
    price: money('price').notNull(),
    currency: text().notNull(),
    /** null: not tracked. */
    stock: bigint({ mode: 'number' }),
    /** At or below it the stock is low; null: as the tenant's settings say. */
    lowStockAt: bigint('low_stock_at', { mode: 'number' }),
    active: boolean().notNull().default(true),
    imageUrl: text('image_url'),
    /** When the name was last true: an import renames only with a newer line. */
    namedAt: instant('named_at').notNull(),
    ...stamps(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    unique('products_sku').on(t.tenantId, t.sku),
    index('products_created').on(t.tenantId, t.createdAt, t.id),
    index('products_name').on(t.tenantId, t.name, t.id),
    index('products_price').on(t.tenantId, t.price, t.id),
    tenantPolicy('products'),
  ],
);

export const customers = pgTable(
  'customers',
  {
    tenantId: tenantId().references(() => tenants.id),
    id: id(),
    code: code(),
    name: text().notNull(),
    email: text(),
    phone: text(),
    country: text(),
    ...stamps(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    unique('customers_code').on(t.tenantId, t.code),
    index('customers_created').on(t.tenantId, t.createdAt, t.id),
    index('customers_name').on(t.tenantId, t.name, t.id),
    tenantPolicy('customers'),
  ],
);

export const locations = pgTable(
  'locations',
  {
    tenantId: tenantId().references(() => tenants.id),
    id: id(),
    name: text().notNull(),
    address: text(),
    active: boolean().notNull().default(true),
    ...stamps(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    unique('locations_name').on(t.tenantId, t.name),
    index('locations_created').on(t.tenantId, t.createdAt, t.id),
    tenantPolicy('locations'),
  ],
);

/** Every change of stock by hand, with its reason. */
export const stockMovements = pgTable(
  'stock_movements',
  {
    tenantId: tenantId(),
    id: id(),
    productId: uuid('product_id').notNull(),
    delta: integer().notNull(),
    reason: text(),
    userId: uuid('user_id').notNull(),
    createdAt: instant('created_at').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    index('stock_movements_product').on(t.tenantId, t.productId, t.createdAt),
    tenantPolicy('stock_movements'),
  ],
);
