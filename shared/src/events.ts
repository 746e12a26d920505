import { z } from 'zod';
import { Id } from './models/common.ts';
import { Order } from './models/order.ts';
import { Product } from './models/product.ts';

// `id` comes after `orderId` and `productId` in every payload: readers that scan for the first id find the right one.
const orderEvent = <const T extends string>(type: T, id: string) =>
  z.object({ type: z.literal(type), orderId: Id, order: Order }).meta({ id });
const productEvent = <const T extends string>(type: T, id: string) =>
  z.object({ type: z.literal(type), productId: Id, product: Product }).meta({ id });

export const OrderCreated = orderEvent('order.created', 'OrderCreated');
export const OrderUpdated = orderEvent('order.updated', 'OrderUpdated');
/** One for each batch of an import. */
export const OrdersImported = z
  .object({ type: z.literal('orders.imported'), orders: z.int(), lines: z.int() })
  .meta({ id: 'OrdersImported' });
export const ProductCreated = productEvent('product.created', 'ProductCreated');
export const ProductUpdated = productEvent('product.updated', 'ProductUpdated');
/** One for each batch of an import. */
export const ProductsImported = z
  .object({ type: z.literal('products.imported'), products: z.int() })
  .meta({ id: 'ProductsImported' });
/**
 * The first of a stream that goes on from no event: everything that commits from now on will come, also to who is cut off
 * before the next one. The moment to read the current state.
 */
export const StreamStarted = z.object({ type: z.literal('started') }).meta({ id: 'StreamStarted' });
/** What came between is no longer kept: read the current state, then go on from this event. */
export const StreamReset = z.object({ type: z.literal('reset'), reason: z.string() }).meta({ id: 'StreamReset' });

export const OrderEvent = z
  .discriminatedUnion('type', [OrderCreated, OrderUpdated, OrdersImported, StreamStarted, StreamReset])
  .meta({ id: 'OrderEvent' });
export const ProductEvent = z
  .discriminatedUnion('type', [ProductCreated, ProductUpdated, ProductsImported, StreamStarted, StreamReset])
  .meta({ id: 'ProductEvent' });
export type OrderEvent = z.output<typeof OrderEvent>;
export type ProductEvent = z.output<typeof ProductEvent>;

/** What the outbox holds: event names, their versions and payloads. */
export const eventSchemas = {
  'order.created': { version: 1, payload: OrderCreated },
  'order.updated': { version: 1, payload: OrderUpdated },
  'orders.imported': { version: 1, payload: OrdersImported },
  'product.created': { version: 1, payload: ProductCreated },
  'product.updated': { version: 1, payload: ProductUpdated },
  'products.imported': { version: 1, payload: ProductsImported },
} as const;
export type EventName = keyof typeof eventSchemas;
export type EventPayload<N extends EventName = EventName> = z.output<(typeof eventSchemas)[N]['payload']>;
