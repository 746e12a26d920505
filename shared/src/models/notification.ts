import { z } from 'zod';
import { Id, text } from './common.ts';
import { OrderStatus } from './order.ts';

export const NotificationKind = z.enum(['orderStatus', 'lowStock', 'announcement']).meta({
  id: 'NotificationKind',
  description:
    '`orderStatus`: an order was placed or moved on. `lowStock`: there is little left. `announcement`: an admin says something',
});
export type NotificationKind = z.output<typeof NotificationKind>;

/** What an admin tells everybody in the tenant. */
export const newAnnouncement = {
  title: text(200).meta({ examples: ['Closed on Monday'] }),
  text: text(2000).meta({ examples: ['The warehouse is closed on Monday. Orders go out on Tuesday.'] }),
};
export const Announcement = z
  .object({ id: Id, title: z.string(), text: z.string(), createdAt: z.date() })
  .meta({ id: 'Announcement' });
export type Announcement = z.output<typeof Announcement>;

const NotifiedOrder = z
  .object({
    orderId: Id,
    number: z.string().meta({ examples: ['1042'] }),
    status: OrderStatus,
    previousStatus: OrderStatus.nullable().meta({ description: 'null: the order is new' }),
    locationId: Id.nullable(),
  })
  .meta({ id: 'NotifiedOrder' });
const NotifiedStock = z
  .object({
    count: z.int().meta({ description: 'Products that became low at once, as by an import', examples: [1] }),
    productId: Id.nullable().meta({ description: 'null where several did' }),
    sku: z.string().nullable(),
    name: z.string().nullable(),
    stock: z.int().nullable(),
    lowStockAt: z.int().nullable(),
  })
  .meta({ id: 'NotifiedStock' });

/** What a notification says, the same for all who get it. Of `order`, `stock` and `announcement` there is the one of its kind. */
const notice = {
  kind: NotificationKind,
  eventId: z.string().meta({
    description: 'The event that it tells of, by its id on event streams: nobody has two of one',
    examples: ['ZGVtby4x'],
  }),
  order: NotifiedOrder.nullable(),
  stock: NotifiedStock.nullable(),
  announcement: Announcement.nullable(),
  createdAt: z.date(),
};
export const Notice = z.object(notice);
export type Notice = z.output<typeof Notice>;

export const Notification = z
  .object({
    id: Id,
    sequence: z.int().meta({
      description: 'From 1, one more for each notification of the user: what is above the last that was shown is new',
      examples: [42],
    }),
    ...notice,
    readAt: z.date().nullable(),
  })
  .meta({ id: 'Notification' });
export type Notification = z.output<typeof Notification>;

export const UnreadCount = z.object({ unread: z.int().meta({ examples: [3] }) }).meta({ id: 'UnreadCount' });

export const OrderNotifications = z.enum(['off', 'mine', 'all']).meta({
  id: 'OrderNotifications',
  description: '`mine`: orders that the user placed. `all`: every order that the user may see',
});
export type OrderNotifications = z.output<typeof OrderNotifications>;

const lowStock = z.boolean().meta({ description: 'Unless the user chooses, for those who may change stock' });
/** Of what a user is told. */
export const NotificationPreferences = z
  .object({ orderStatus: OrderNotifications, lowStock, announcement: z.boolean() })
  .meta({ id: 'NotificationPreferences' });
export type NotificationPreferences = z.output<typeof NotificationPreferences>;
export const preferenceChanges = {
  orderStatus: OrderNotifications.optional(),
  lowStock: z
    .boolean()
    .optional()
    .meta({ examples: [true] }),
  announcement: z
    .boolean()
    .optional()
    .meta({ examples: [true] }),
};

const lowStockAt = z
  .int()
  .min(0)
  .max(1_000_000_000)
  .nullable()
  .meta({ description: 'At or below it the stock of a product without its own is low; null: never', examples: [5] });
export const NotificationSettings = z.object({ lowStockAt }).meta({ id: 'NotificationSettings' });
export type NotificationSettings = z.output<typeof NotificationSettings>;
export const settingChanges = { lowStockAt };
