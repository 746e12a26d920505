import type { Notice, Order } from '@olympus/contracts';
import type { ConsumedEvent, Consumer } from '../../events/consumers/consumer.ts';
import { decodeEventId } from '../../events/event-id.ts';
import { ofAnnouncement, ofOrder, ofStock, type Audience } from './audience-repository.ts';
import { tell, type FanOut } from './fan-out.ts';
import { isImportFollowed, judgeStock } from './low-stock-repository.ts';

/** Makes notifications of what happens. Its effects are bound to the event's id, so that it may come any number of times. */
export const notificationsConsumer = (deps: FanOut): Consumer => ({
  name: 'notifications',
  types: [
    'order.created',
    'order.updated',
    'product.created',
    'product.updated',
    'products.imported',
    'announcement.published',
  ],
  // An announcement to very many users takes longer than most; what was done is not done again.
  timeoutMs: 60_000,
  async handle(event, { signal }) {
    const made = await noticeOf(deps, event);
    if (!made) return;
    const { tenantId, requestId } = event;
    await tell(deps, { tenantId, requestId: requestId ?? 'notifications', signal, ...made });
  },
});

interface Made {
  readonly notice: Notice;
  readonly audience: Audience;
}

async function noticeOf(deps: FanOut, event: ConsumedEvent): Promise<Made | null> {
  const { payload, id: eventId, occurredAt: createdAt } = event;
  const facts = { eventId, createdAt, order: null, stock: null, announcement: null };
  switch (payload.type) {
    case 'order.created':
      return orderNotice(facts, payload.order, null);
    case 'order.updated': {
      const { order, previousStatus } = payload;
      // Something else of it has changed, or an older version wrote the event.
      if (previousStatus === null || previousStatus === order.status) return null;
      return orderNotice(facts, order, previousStatus);
    }
    case 'product.created':
    case 'product.updated':
      return stockNotice(deps, { event, facts, productId: payload.productId });
    case 'products.imported': {
      const { database } = deps;
      const position = decodeEventId(eventId)?.position ?? 0;
      // An import is many batches, of which the last looks at what all of them have changed.
      if (await isImportFollowed(database.tenant(event.tenantId), position)) return null;
      return stockNotice(deps, { event, facts, productId: null });
    }
    case 'announcement.published':
      return {
        notice: { ...facts, kind: 'announcement', announcement: payload.announcement },
        audience: ofAnnouncement,
      };
    default:
      return null;
  }
}

type Facts = Omit<Notice, 'kind'>;

function orderNotice(facts: Facts, order: Order, previousStatus: Order['status'] | null): Made {
  const { id: orderId, number, status, locationId } = order;
  return {
    notice: { ...facts, kind: 'orderStatus', order: { orderId, number, status, previousStatus, locationId } },
    audience: ofOrder(order, previousStatus === null),
  };
}

async function stockNotice(
  { database }: FanOut,
  { event, facts, productId }: { event: ConsumedEvent; facts: Facts; productId: string | null },
): Promise<Made | null> {
  const low = await judgeStock(database, { tenantId: event.tenantId, productId, eventId: event.id });
  if (!low) return null;
  const { count, one } = low;
  const unnamed = { productId: null, sku: null, name: null, stock: null, lowStockAt: null };
  return {
    notice: { ...facts, kind: 'lowStock', stock: { count, ...(count === 1 ? one : unnamed) } },
    audience: ofStock,
  };
}
