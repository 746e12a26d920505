import type { contracts, CustomerEvent, OrderEvent, Tracked } from '@olympus/contracts';
import type { Handler } from '../kernel/implement.ts';
import { perBatch, watchItems } from '../kernel/items.ts';
import type { Follow, Followed, Following, Told } from './subscription.ts';

/** Changes of orders. What an import has changed concerns no single order, so it is left out where one is followed. */
export const orderUpdates =
  (follow: Follow): Handler<typeof contracts.orders.updates> =>
  async ({ input: { orderId, status, lastEventId }, ctx }) => {
    const wanted = (event: Told<OrderEvent>) =>
      'order' in event
        ? (orderId === undefined || event.orderId === orderId) &&
          (status === undefined || event.order.status === status)
        : orderId === undefined;
    const events = follow(ctx, {
      topic: 'orders',
      lastEventId,
      filter: (orderId ?? status) === undefined ? undefined : wanted,
    });
    await events.started;
    return tracked(events);
  };

/** Changes of products, those of an import where none in particular is followed. */
export const productUpdates =
  (follow: Follow): Handler<typeof contracts.products.updates> =>
  async ({ input: { productId, lastEventId }, ctx }) => {
    const events = follow(ctx, {
      topic: 'products',
      lastEventId,
      filter: productId === undefined ? undefined : (event) => 'product' in event && event.productId === productId,
    });
    await events.started;
    return tracked(events);
  };

/** Changes of customers, those of an import where none in particular is followed. */
export const customerUpdates =
  (follow: Follow): Handler<typeof contracts.customers.updates> =>
  async ({ input: { customerId, country, lastEventId }, ctx }) => {
    const wanted = (event: Told<CustomerEvent>) =>
      'customer' in event
        ? (customerId === undefined || event.customerId === customerId.toLowerCase()) &&
          (country === undefined || event.customer.country === country)
        : customerId === undefined;
    const events = follow(ctx, {
      topic: 'customers',
      lastEventId,
      filter: (customerId ?? country) === undefined ? undefined : wanted,
    });
    await events.started;
    return tracked(events);
  };

/** Changes of users. Who signs in is told to those alone who may read it in the audit log. */
export const userUpdates =
  (follow: Follow): Handler<typeof contracts.users.updates> =>
  async ({ input: { userId, signIns, lastEventId }, ctx }) => {
    const activity = signIns && ctx.principal.permissions.has('audit:read');
    const events = follow(ctx, {
      topic: 'users',
      lastEventId,
      filter: (event) =>
        (userId === undefined || event.userId === userId.toLowerCase()) && (activity || event.type !== 'user.signedIn'),
    });
    await events.started;
    return tracked(events);
  };

const tracked = <E extends object>(events: Following<E>): AsyncIterable<Tracked<E>> =>
  watchItems(events, {
    map: (item) => trackedItem(item as Followed<object>),
    mapBatch: trackedItems,
  }) as AsyncIterable<Tracked<E>>;

const trackedItem = ({ id, event }: Followed<object>) => itemOf(id, event);
const trackedItems = perBatch((batch: readonly unknown[]) => (batch as readonly Followed<object>[]).map(trackedItem));

/** One for all who follow, by which transports know what they have written already. */
const items = new WeakMap<object, Tracked<never>>();

export function itemOf<E extends object>(id: string, event: E): Tracked<E> {
  let item = items.get(event) as Tracked<E> | undefined;
  if (!item) items.set(event, (item = { id, data: event }) as Tracked<never>);
  return item;
}
