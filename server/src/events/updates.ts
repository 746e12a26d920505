import type { contracts, Tracked } from '@olympus/contracts';
import type { Handler } from '../kernel/implement.ts';
import type { Follow, Followed } from './subscription.ts';

/** Changes of orders. What an import has changed concerns no single order, so it is left out where one is followed. */
export const orderUpdates =
  (follow: Follow): Handler<typeof contracts.orders.updates> =>
  async ({ input: { orderId, status, lastEventId }, ctx }) => {
    const events = follow(ctx, {
      topic: 'orders',
      lastEventId,
      filter: (event) =>
        'order' in event
          ? (orderId === undefined || event.orderId === orderId) &&
            (status === undefined || event.order.status === status)
          : orderId === undefined,
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
      filter: (event) => productId === undefined || ('product' in event && event.productId === productId),
    });
    await events.started;
    return tracked(events);
  };

async function* tracked<E extends object>(events: AsyncIterable<Followed<E>>): AsyncGenerator<Tracked<E>> {
  for await (const { id, event } of events) yield itemOf(id, event);
}

/** One for all who follow, by which transports know what they have written already. */
const items = new WeakMap<object, Tracked<never>>();

export function itemOf<E extends object>(id: string, event: E): Tracked<E> {
  let item = items.get(event) as Tracked<E> | undefined;
  if (!item) items.set(event, (item = { id, data: event }) as Tracked<never>);
  return item;
}
