import { z } from 'zod';
import { ChatChannel, ChatMessage, ChatReceipt } from './models/chat.ts';
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
const messageEvent = <const T extends string>(type: T, id: string) =>
  z.object({ type: z.literal(type), channelId: Id, message: ChatMessage }).meta({ id });
const channelEvent = <const T extends string>(type: T, id: string) =>
  z.object({ type: z.literal(type), channelId: Id, channel: ChatChannel }).meta({ id });
const memberEvent = <const T extends string>(type: T, id: string) =>
  z.object({ type: z.literal(type), channelId: Id, userIds: z.array(Id) }).meta({ id });

export const MessageSent = messageEvent('chat.message.sent', 'ChatMessageSent');
export const MessageEdited = messageEvent('chat.message.edited', 'ChatMessageEdited');
export const MessageDeleted = messageEvent('chat.message.deleted', 'ChatMessageDeleted');
export const ChannelRenamed = channelEvent('chat.channel.renamed', 'ChatChannelRenamed');
/** They are in the channel from now on; told to them too. */
export const MembersAdded = memberEvent('chat.members.added', 'ChatMembersAdded');
/** They hear nothing of the channel after this. */
export const MembersRemoved = memberEvent('chat.members.removed', 'ChatMembersRemoved');
export const ChannelRead = z
  .object({ type: z.literal('chat.channel.read'), channelId: Id, receipt: ChatReceipt })
  .meta({ id: 'ChatChannelRead' });
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
export const ChatEvent = z
  .discriminatedUnion('type', [
    MessageSent,
    MessageEdited,
    MessageDeleted,
    ChannelRenamed,
    MembersAdded,
    MembersRemoved,
    ChannelRead,
    StreamStarted,
    StreamReset,
  ])
  .meta({ id: 'ChatEvent' });
export type ChatEvent = z.output<typeof ChatEvent>;
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
  'chat.message.sent': { version: 1, payload: MessageSent },
  'chat.message.edited': { version: 1, payload: MessageEdited },
  'chat.message.deleted': { version: 1, payload: MessageDeleted },
  'chat.channel.renamed': { version: 1, payload: ChannelRenamed },
  'chat.members.added': { version: 1, payload: MembersAdded },
  'chat.members.removed': { version: 1, payload: MembersRemoved },
  'chat.channel.read': { version: 1, payload: ChannelRead },
} as const;
export type EventName = keyof typeof eventSchemas;
export type EventPayload<N extends EventName = EventName> = z.output<(typeof eventSchemas)[N]['payload']>;
