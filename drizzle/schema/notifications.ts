import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  foreignKey,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  unique,
  uuid,
} from 'drizzle-orm/pg-core';
import { id, instant, systemPolicy, tenantId, tenantPolicy } from '../columns.ts';
import { users } from './identity.ts';

/** Of what a user is told, and how much there is. Whoever adds or reads notifications locks the row: so all see one order. */
export const notificationInboxes = pgTable(
  'notification_inboxes',
  {
    tenantId: tenantId(),
    userId: uuid('user_id').notNull(),
    /** The sequence of the last notification; 0 before the first. */
    lastSequence: bigint('last_sequence', { mode: 'number' }).notNull().default(0),
    unread: integer().notNull().default(0),
    /** What the user chose; null: as for everybody. */
    orderStatus: text('order_status'),
    lowStock: boolean('low_stock'),
    announcement: boolean(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.userId] }),
    foreignKey({
      name: 'notification_inboxes_user',
      columns: [t.tenantId, t.userId],
      foreignColumns: [users.tenantId, users.id],
    }),
    index('notification_inboxes_watchers')
      .on(t.tenantId)
      .where(sql`order_status = 'all'`),
    tenantPolicy('notification_inboxes'),
    systemPolicy('notification_inboxes', 'all', 'expiry'),
  ],
);

/** What each user was told: once for each event. */
export const notifications = pgTable(
  'notifications',
  {
    tenantId: tenantId(),
    id: id(),
    userId: uuid('user_id').notNull(),
    /** From 1, without gaps for a user when they are made. */
    sequence: bigint({ mode: 'number' }).notNull(),
    kind: text().notNull(),
    eventId: text('event_id').notNull(),
    /** `{ order, stock, announcement }`, of which one is not null. */
    content: jsonb().notNull(),
    createdAt: instant('created_at').notNull(),
    readAt: instant('read_at'),
    expiresAt: instant('expires_at').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    unique('notifications_event').on(t.tenantId, t.eventId, t.userId),
    unique('notifications_sequence').on(t.tenantId, t.userId, t.sequence),
    index('notifications_unread')
      .on(t.tenantId, t.userId, t.sequence)
      .where(sql`read_at is null`),
    index('notifications_expiry').on(t.expiresAt),
    tenantPolicy('notifications'),
    systemPolicy('notifications', 'all', 'expiry'),
  ],
);

/** What holds for all notifications of a tenant. */
export const notificationSettings = pgTable(
  'notification_settings',
  {
    tenantId: tenantId().primaryKey(),
    /** For products without their own; null: their stock is never low. */
    lowStockAt: bigint('low_stock_at', { mode: 'number' }),
  },
  () => [tenantPolicy('notification_settings')],
);

/** Products whose stock is low and was told of, until it is not low any more. */
export const lowStockMarks = pgTable(
  'low_stock_marks',
  {
    tenantId: tenantId(),
    productId: uuid('product_id').notNull(),
    /** By which it was found: when that event comes again, the same products are told of. */
    eventId: text('event_id').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.productId] }),
    index('low_stock_marks_event').on(t.tenantId, t.eventId),
    tenantPolicy('low_stock_marks'),
  ],
);
