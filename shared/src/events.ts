import { z } from 'zod';
import { AuditEntry } from './models/audit.ts';
import { ChatChannel, ChatMessage, ChatReceipt } from './models/chat.ts';
import { Id } from './models/common.ts';
import { Announcement, Notification, Notice } from './models/notification.ts';
import { Order, OrderStatus } from './models/order.ts';
import { Customer, User } from './models/people.ts';
import { Product } from './models/product.ts';

// `id` comes after `orderId` and `productId` in every payload: readers that scan for the first id find the right one.
const productEvent = <const T extends string>(type: T, id: string) =>
  z.object({ type: z.literal(type), productId: Id, product: Product }).meta({ id });

export const OrderCreated = z
  .object({ type: z.literal('order.created'), orderId: Id, order: Order })
  .meta({ id: 'OrderCreated' });
export const OrderUpdated = z
  .object({
    type: z.literal('order.updated'),
    orderId: Id,
    order: Order,
    previousStatus: OrderStatus.nullable().meta({
      description: 'The status before, the same where something else changed; null in events of older versions',
    }),
  })
  .meta({ id: 'OrderUpdated' });
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
const customerEvent = <const T extends string>(type: T, id: string) =>
  z.object({ type: z.literal(type), customerId: Id, customer: Customer }).meta({ id });
export const CustomerCreated = customerEvent('customer.created', 'CustomerCreated');
export const CustomerUpdated = customerEvent('customer.updated', 'CustomerUpdated');
/** Those that a batch of an import has added. */
export const CustomersImported = z
  .object({ type: z.literal('customers.imported'), customers: z.int() })
  .meta({ id: 'CustomersImported' });
export const UserCreated = z
  .object({ type: z.literal('user.created'), userId: Id, user: User })
  .meta({ id: 'UserCreated' });
export const UserUpdated = z
  .object({
    type: z.literal('user.updated'),
    userId: Id,
    user: User,
    changed: z.array(z.string()).meta({
      description: 'The fields that are others now: of the user, and `password`, of which nothing more is told',
      examples: [['role']],
    }),
  })
  .meta({ id: 'UserUpdated' });
/** Told to those alone who may read it in the audit log. */
export const UserSignedIn = z
  .object({
    type: z.literal('user.signedIn'),
    userId: Id,
    device: z.string().meta({ description: 'As the client named it, or told from its User-Agent' }),
    signedInAt: z.date(),
  })
  .meta({ id: 'UserSignedIn' });
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
export const AnnouncementPublished = z
  .object({ type: z.literal('announcement.published'), announcementId: Id, announcement: Announcement })
  .meta({ id: 'AnnouncementPublished' });
/** What was made of one event for some of those whom it concerns, in one transaction. Of the log alone: see `NotificationCreated`. */
export const NotificationsCreated = z.object({
  type: z.literal('notifications.created'),
  notice: Notice,
  recipients: z.array(z.object({ userId: Id, id: Id, sequence: z.int(), unread: z.int() })),
});
/** What one user has read, on whichever device. Of the log alone: see `NotificationsRead`. */
export const NotificationsReadBy = z.object({
  type: z.literal('notifications.read'),
  userId: Id,
  ids: z.array(Id),
  readThrough: z.int().nullable(),
  unread: z.int(),
});

const unread = z.int().meta({ description: 'How many of the caller’s notifications are not read', examples: [3] });
/** The caller has a new one. */
export const NotificationCreated = z
  .object({ type: z.literal('notification.created'), notification: Notification, unread })
  .meta({ id: 'NotificationCreated' });
/** The caller has read some, perhaps on another device. */
export const NotificationsRead = z
  .object({
    type: z.literal('notifications.read'),
    ids: z.array(Id).meta({ description: 'Those that were read one by one' }),
    readThrough: z
      .int()
      .nullable()
      .meta({ description: 'All up to this sequence are read; null where single ones were read' }),
    unread,
  })
  .meta({ id: 'NotificationsRead' });
/** How many are not read now; the first of every stream, and the first after a `reset`. */
export const NotificationsUnread = z
  .object({ type: z.literal('notifications.unread'), unread })
  .meta({ id: 'NotificationsUnread' });

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
/** Of the audit log’s own chain, which is no part of the log of events. */
export const AuditEntrySealed = z
  .object({ type: z.literal('audit.entry'), entry: AuditEntry })
  .meta({ id: 'AuditEntrySealed' });
export const AuditEvent = z
  .discriminatedUnion('type', [AuditEntrySealed, StreamStarted, StreamReset])
  .meta({ id: 'AuditEvent' });
export type AuditEvent = z.output<typeof AuditEvent>;
export const CustomerEvent = z
  .discriminatedUnion('type', [CustomerCreated, CustomerUpdated, CustomersImported, StreamStarted, StreamReset])
  .meta({ id: 'CustomerEvent' });
export type CustomerEvent = z.output<typeof CustomerEvent>;
export const UserEvent = z
  .discriminatedUnion('type', [UserCreated, UserUpdated, UserSignedIn, StreamStarted, StreamReset])
  .meta({ id: 'UserEvent' });
export type UserEvent = z.output<typeof UserEvent>;
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
export const NotificationEvent = z
  .discriminatedUnion('type', [NotificationCreated, NotificationsRead, NotificationsUnread, StreamStarted, StreamReset])
  .meta({ id: 'NotificationEvent' });
export type NotificationEvent = z.output<typeof NotificationEvent>;
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
  'customer.created': { version: 1, payload: CustomerCreated },
  'customer.updated': { version: 1, payload: CustomerUpdated },
  'customers.imported': { version: 1, payload: CustomersImported },
  'user.created': { version: 1, payload: UserCreated },
  'user.updated': { version: 1, payload: UserUpdated },
  'user.signedIn': { version: 1, payload: UserSignedIn },
  'chat.message.sent': { version: 1, payload: MessageSent },
  'chat.message.edited': { version: 1, payload: MessageEdited },
  'chat.message.deleted': { version: 1, payload: MessageDeleted },
  'chat.channel.renamed': { version: 1, payload: ChannelRenamed },
  'chat.members.added': { version: 1, payload: MembersAdded },
  'chat.members.removed': { version: 1, payload: MembersRemoved },
  'chat.channel.read': { version: 1, payload: ChannelRead },
  'announcement.published': { version: 1, payload: AnnouncementPublished },
  'notifications.created': { version: 1, payload: NotificationsCreated },
  'notifications.read': { version: 1, payload: NotificationsReadBy },
} as const;
export type EventName = keyof typeof eventSchemas;
export type EventPayload<N extends EventName = EventName> = z.output<(typeof eventSchemas)[N]['payload']>;
