import { bigint, date, foreignKey, index, integer, pgTable, primaryKey, text, unique, uuid } from 'drizzle-orm/pg-core';
import { code, id, instant, locationPolicy, money, stamps, systemPolicy, tenantId, tenantPolicy } from '../columns.ts';
import { customers, locations, products } from './catalogue.ts';
import { tenants } from './identity.ts';

export const orders = pgTable(
  'orders',
  {
    tenantId: tenantId().references(() => tenants.id),
    id: id(),
    number: code().notNull(),
    kind: text().notNull(),
    status: text().notNull(),
    customerId: uuid('customer_id'),
    locationId: uuid('location_id'),
    createdBy: uuid('created_by'),
    country: text(),
    notes: text(),
    itemCount: integer('item_count').notNull(),
    units: bigint({ mode: 'number' }).notNull(),
    total: money('total').notNull(),
    currency: text().notNull(),
    /** `none` where the order was placed without a payment. */
    paymentStatus: text('payment_status').notNull().default('none'),
    placedAt: instant('placed_at').notNull(),
    /** The day of `placedAt` on the tenant's calendar; analytics groups and filters by it. */
    placedOn: date('placed_on').notNull(),
    /** The import that wrote the items; null for orders taken here. A later import replaces them. */
    importId: uuid('import_id'),
    ...stamps(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    unique('orders_number').on(t.tenantId, t.number),
    foreignKey({
      name: 'orders_customer',
      columns: [t.tenantId, t.customerId],
      foreignColumns: [customers.tenantId, customers.id],
    }),
    foreignKey({
      name: 'orders_location',
      columns: [t.tenantId, t.locationId],
      foreignColumns: [locations.tenantId, locations.id],
    }),
    index('orders_placed').on(t.tenantId, t.placedAt, t.id),
    index('orders_created').on(t.tenantId, t.createdAt, t.id),
    index('orders_total').on(t.tenantId, t.total, t.id),
    index('orders_of_customer').on(t.tenantId, t.customerId, t.placedAt),
    index('orders_day').on(t.tenantId, t.placedOn),
    tenantPolicy('orders'),
    locationPolicy('orders'),
    systemPolicy('orders', 'select', 'rollup'),
  ],
);

export const orderItems = pgTable(
  'order_items',
  {
    tenantId: tenantId(),
    orderId: uuid('order_id').notNull(),
    line: integer().notNull(),
    productId: uuid('product_id').notNull(),
    sku: text().notNull(),
    name: text().notNull(),
    quantity: integer().notNull(),
    unitPrice: money('unit_price').notNull(),
    total: money('total').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.orderId, t.line] }),
    foreignKey({
      name: 'order_items_order',
      columns: [t.tenantId, t.orderId],
      foreignColumns: [orders.tenantId, orders.id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'order_items_product',
      columns: [t.tenantId, t.productId],
      foreignColumns: [products.tenantId, products.id],
    }),
    tenantPolicy('order_items'),
    systemPolicy('order_items', 'select', 'rollup'),
  ],
);

/** The next number of each tenant's orders. */
export const orderNumbers = pgTable(
  'order_numbers',
  { tenantId: tenantId().primaryKey(), next: bigint({ mode: 'number' }).notNull() },
  () => [tenantPolicy('order_numbers')],
);

/** Sales of a product in a month, for months that stand in no `stale_months`. */
export const productMonths = pgTable(
  'product_months',
  {
    tenantId: tenantId(),
    month: date().notNull(),
    productId: uuid('product_id').notNull(),
    units: bigint({ mode: 'number' }).notNull(),
    revenue: money('revenue').notNull(),
    orders: integer().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.month, t.productId] }),
    tenantPolicy('product_months'),
    systemPolicy('product_months', 'all', 'rollup'),
  ],
);

/** Months whose sales changed since `product_months` was computed; marked by the transaction that changes them. */
export const staleMonths = pgTable(
  'stale_months',
  { tenantId: tenantId(), month: date().notNull(), markedAt: instant('marked_at').notNull() },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.month] }),
    tenantPolicy('stale_months'),
    systemPolicy('stale_months', 'all', 'rollup'),
  ],
);
