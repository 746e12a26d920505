import type { Order, OrderKind, OrderStatus, OrderSummary, PaymentStatus } from '@olympus/contracts';
import { sql } from '@olympus/database';
import { moneyOf } from '../money.ts';

/** The columns of `orders o` under the names that rows are read by. */
export const summaryColumns = sql`
  o.id, o.number, o.kind, o.status, o.customer_id as "customerId", o.location_id as "locationId",
  o.created_by as "createdBy", o.country, o.notes, o.item_count as "itemCount", o.units, o.total, o.currency,
  o.payment_status as "paymentStatus", o.placed_at as "placedAt", o.created_at as "createdAt", o.updated_at as "updatedAt", o.version`;

/** The lines of `order_items i` as one JSON array, amounts as text. */
export const itemsJson = sql`
  json_agg(json_build_object('line', i.line, 'productId', i.product_id, 'sku', i.sku, 'name', i.name,
    'quantity', i.quantity, 'unitPrice', i.unit_price::text, 'total', i.total::text) order by i.line)`;

export interface SummaryRow {
  readonly id: string;
  readonly number: string;
  readonly kind: OrderKind;
  readonly status: OrderStatus;
  readonly customerId: string | null;
  readonly locationId: string | null;
  readonly createdBy: string | null;
  readonly country: string | null;
  readonly notes: string | null;
  readonly itemCount: number;
  readonly units: string;
  readonly total: string;
  readonly currency: string;
  readonly paymentStatus: PaymentStatus;
  readonly placedAt: Date;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly version: number;
}
export interface ItemRow {
  readonly line: number;
  readonly productId: string;
  readonly sku: string;
  readonly name: string;
  readonly quantity: number;
  readonly unitPrice: string;
  readonly total: string;
}
export interface OrderRow extends SummaryRow {
  readonly items: readonly ItemRow[];
}

export const toSummary = (row: SummaryRow): OrderSummary => ({
  id: row.id,
  number: row.number,
  kind: row.kind,
  status: row.status,
  customerId: row.customerId,
  locationId: row.locationId,
  createdBy: row.createdBy,
  country: row.country,
  notes: row.notes,
  itemCount: row.itemCount,
  units: Number(row.units),
  total: moneyOf(row.total, row.currency),
  paymentStatus: row.paymentStatus,
  placedAt: row.placedAt,
  createdAt: row.createdAt,
  updatedAt: row.updatedAt,
  version: row.version,
});

export const toOrder = (row: OrderRow): Order => ({
  ...toSummary(row),
  items: row.items.map(({ unitPrice, total, ...item }) => ({
    ...item,
    unitPrice: moneyOf(unitPrice, row.currency),
    total: moneyOf(total, row.currency),
  })),
});
