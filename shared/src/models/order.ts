import { z } from 'zod';
import { Country, Id, Money, stamps, text } from './common.ts';

export const OrderKind = z.enum(['sale', 'return', 'adjustment']).meta({ id: 'OrderKind' });
export type OrderKind = z.output<typeof OrderKind>;

export const OrderStatus = z
  .enum(['pending', 'confirmed', 'preparing', 'ready', 'completed', 'cancelled', 'refunded'])
  .meta({ id: 'OrderStatus' });
export type OrderStatus = z.output<typeof OrderStatus>;

/** Which states may follow which. */
export const transitions: Readonly<Record<OrderStatus, readonly OrderStatus[]>> = {
  pending: ['confirmed', 'cancelled'],
  confirmed: ['preparing', 'cancelled'],
  preparing: ['ready', 'cancelled'],
  ready: ['completed', 'cancelled'],
  completed: ['refunded'],
  cancelled: [],
  refunded: [],
};

/** How far the payment of an order has come; `none` where it was placed without one. */
export const PaymentStatus = z
  .enum(['none', 'authorizing', 'authorized', 'captured', 'declined', 'voided', 'refunded'])
  .meta({ id: 'PaymentStatus' });
export type PaymentStatus = z.output<typeof PaymentStatus>;

/** Orders in these states count in no figures. */
export const uncountedStatuses: readonly OrderStatus[] = ['cancelled', 'refunded'];

export const OrderItem = z
  .object({
    line: z.int().meta({ description: 'From 1, in the order of the order' }),
    productId: Id,
    sku: z.string(),
    name: z.string().meta({ description: 'As sold' }),
    quantity: z.int().meta({ description: 'Negative on returns' }),
    unitPrice: Money,
    total: Money,
  })
  .meta({ id: 'OrderItem' });

const summary = {
  id: Id,
  number: z.string().meta({ examples: ['100042'] }),
  kind: OrderKind,
  status: OrderStatus,
  customerId: Id.nullable(),
  locationId: Id.nullable(),
  createdBy: Id.nullable(),
  country: z.string().nullable(),
  notes: z.string().nullable(),
  itemCount: z.int(),
  units: z.int().meta({ description: 'Sum of the quantities' }),
  total: Money,
  // Events that were written before there were payments do not say.
  paymentStatus: PaymentStatus.prefault('none'),
  placedAt: z.date(),
  ...stamps,
};

/** An order as lists show it: without its items. */
export const OrderSummary = z.object(summary).meta({ id: 'OrderSummary' });
export const Order = z.object({ ...summary, items: z.array(OrderItem) }).meta({ id: 'Order' });
export type OrderSummary = z.output<typeof OrderSummary>;
export type Order = z.output<typeof Order>;

export const NewOrderItem = z
  .strictObject({ productId: Id, quantity: z.int().min(1).max(1_000_000) })
  .meta({ id: 'NewOrderItem' });
export const orderItemsInput = z.array(NewOrderItem).min(1).max(500);

const NewPayment = z
  .strictObject({
    method: text(200).meta({
      format: 'password',
      description: 'What the payment provider takes the money by: its token, never the number of a card',
      examples: ['sim_card'],
    }),
  })
  .meta({ id: 'NewPayment' });

export const newOrder = {
  items: orderItemsInput,
  number: text(64).optional().meta({ description: 'Given by the server when absent' }),
  customerId: Id.optional(),
  locationId: Id.optional(),
  country: Country.optional(),
  notes: z.string().max(2000).optional(),
  payment: NewPayment.optional().meta({
    description: 'Has the server authorize the total, confirm the order then, and take the money once it is completed',
  }),
};

export const orderChanges = {
  items: orderItemsInput.optional(),
  notes: z.string().max(2000).nullable().optional(),
};

/** A line of an export, and of an import without a mapping of columns. */
export const OrderLine = z
  .object({
    number: z.string(),
    kind: OrderKind,
    sku: z.string(),
    description: z.string(),
    quantity: z.int(),
    unitPrice: z.string().meta({ format: 'decimal', examples: ['2.55'] }),
    placedAt: z.date(),
    customer: z.string(),
    country: z.string(),
  })
  .meta({ id: 'OrderLine' });
export type OrderLine = z.output<typeof OrderLine>;
