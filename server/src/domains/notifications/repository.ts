import type {
  contracts,
  Notification,
  NotificationPreferences,
  NotificationSettings,
  ParsedInputOf,
} from '@olympus/contracts';
import { array, sql, type Db } from '@olympus/database';
import type { List } from '../paging.ts';
import { noticeOf, type StoredContent } from './content.ts';

interface NotificationRow extends Pick<Notification, 'id' | 'kind' | 'eventId' | 'createdAt' | 'readAt'> {
  /** Numbers of 8 bytes are read as text. */
  readonly sequence: string;
  readonly content: StoredContent;
}
type Filters = ParsedInputOf<typeof contracts.notifications.list.def>;

export const notificationList = (
  db: Db,
  { kind, unread }: Filters,
  userId: string,
): List<NotificationRow, Notification> => ({
  name: 'notifications',
  select: sql`n.id, n.sequence, n.kind, n.event_id as "eventId", n.content, n.created_at as "createdAt", n.read_at as "readAt"`,
  from: sql`from notifications n`,
  where: [
    sql`n.tenant_id = ${db.tenantId}::uuid`,
    sql`n.user_id = ${userId}::uuid`,
    kind === undefined ? undefined : sql`n.kind = ${kind}`,
    unread === undefined ? undefined : unread ? sql`n.read_at is null` : sql`n.read_at is not null`,
  ],
  id: sql`n.id`,
  sortable: { sequence: { column: sql`n.sequence`, type: 'bigint' } },
  item: ({ id, sequence, readAt, ...notice }) => ({ id, sequence: Number(sequence), ...noticeOf(notice), readAt }),
});

const ofUser = (db: Db, userId: string) => sql`tenant_id = ${db.tenantId}::uuid and user_id = ${userId}::uuid`;

export async function countUnread(db: Db, userId: string): Promise<number> {
  const [row] = await db.rows<{ unread: number }>(
    sql`select unread from notification_inboxes where ${ofUser(db, userId)}`,
  );
  return row?.unread ?? 0;
}

export interface InboxState {
  readonly lastSequence: number;
  readonly unread: number;
}

/** Until the transaction ends, nobody else adds to the user's notifications or reads of them. null: there was never one. */
export async function lockInbox(db: Db, userId: string): Promise<InboxState | null> {
  const [row] = await db.rows<{ lastSequence: string; unread: number }>(sql`
    select last_sequence as "lastSequence", unread from notification_inboxes where ${ofUser(db, userId)} for no key update`);
  return row ? { lastSequence: Number(row.lastSequence), unread: row.unread } : null;
}

/** Of a locked inbox. Resolves to those that were not read before. */
export async function readNotifications(
  db: Db,
  { userId, ids, now }: { userId: string; ids: readonly string[]; now: Date },
): Promise<string[]> {
  const rows = await db.rows<{ id: string }>(sql`
    update notifications set read_at = ${now}
    where ${ofUser(db, userId)} and read_at is null and id = any(${array(ids)}::uuid[]) returning id`);
  return rows.map(({ id }) => id);
}

/** Of a locked inbox. Resolves to how many were not read before. */
export async function readThrough(
  db: Db,
  { userId, readThrough: last, now }: { userId: string; readThrough: number; now: Date },
): Promise<number> {
  const [row] = await db.rows<{ count: number }>(sql`
    with read as (
      update notifications set read_at = ${now}
      where ${ofUser(db, userId)} and read_at is null and sequence <= ${last} returning 1)
    select count(*)::int as count from read`);
  return row?.count ?? 0;
}

export async function setUnread(db: Db, userId: string, unread: number): Promise<void> {
  await db.rows(sql`update notification_inboxes set unread = ${unread} where ${ofUser(db, userId)}`);
}

/** One of the ids that is no notification of the user's. */
export async function findUnknown(db: Db, userId: string, ids: readonly string[]): Promise<string | undefined> {
  const rows = await db.rows<{ id: string }>(
    sql`select id from notifications where ${ofUser(db, userId)} and id = any(${array(ids)}::uuid[])`,
  );
  const found = new Set(rows.map(({ id }) => id));
  return ids.find((id) => !found.has(id.toLowerCase()));
}

/** What the user chose; null: nothing of that kind. */
export type Choices = { readonly [K in keyof NotificationPreferences]: NotificationPreferences[K] | null };
const choices = sql`order_status as "orderStatus", low_stock as "lowStock", announcement`;
const none: Choices = { orderStatus: null, lowStock: null, announcement: null };

export async function findChoices(db: Db, userId: string): Promise<Choices> {
  const [row] = await db.rows<Choices>(sql`select ${choices} from notification_inboxes where ${ofUser(db, userId)}`);
  return row ?? none;
}

/** What is undefined stays as it is. */
export type ChoiceChanges = { readonly [K in keyof NotificationPreferences]?: NotificationPreferences[K] | undefined };

export async function changeChoices(
  db: Db,
  userId: string,
  { orderStatus, lowStock, announcement }: ChoiceChanges,
): Promise<Choices> {
  const [row] = await db.rows<Choices>(sql`
    insert into notification_inboxes as i (tenant_id, user_id, order_status, low_stock, announcement)
    values (${db.tenantId}::uuid, ${userId}::uuid, ${orderStatus ?? null}, ${lowStock ?? null}::boolean, ${announcement ?? null}::boolean)
    on conflict (tenant_id, user_id) do update set order_status = coalesce(excluded.order_status, i.order_status),
      low_stock = coalesce(excluded.low_stock, i.low_stock), announcement = coalesce(excluded.announcement, i.announcement)
    returning ${choices}`);
  return row ?? none;
}

export async function findSettings(db: Db): Promise<NotificationSettings> {
  const [row] = await db.rows<{ lowStockAt: string | null }>(sql`
    select low_stock_at as "lowStockAt" from notification_settings where tenant_id = ${db.tenantId}::uuid`);
  return { lowStockAt: row?.lowStockAt == null ? null : Number(row.lowStockAt) };
}

export async function replaceSettings(db: Db, { lowStockAt }: NotificationSettings): Promise<void> {
  await db.rows(sql`
    insert into notification_settings (tenant_id, low_stock_at) values (${db.tenantId}::uuid, ${lowStockAt}::bigint)
    on conflict (tenant_id) do update set low_stock_at = excluded.low_stock_at`);
}
