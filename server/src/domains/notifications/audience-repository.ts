import { rolesWith, type Notice, type Order } from '@olympus/contracts';
import { array, json, sql, type Db, type SQL } from '@olympus/database';
import { contentOf } from './content.ts';

/** Whom a notice concerns: a condition on `users u`, with what they chose in `notification_inboxes i`. */
export type Audience = (db: Pick<Db, 'tenantId'>) => SQL;

/**
 * Whoever wants to know of all orders, and who placed this one: as far as they may see it. Nobody is told that they
 * themselves have placed one. By index, since there are more orders than anything else.
 */
export const ofOrder =
  ({ createdBy, locationId }: Order, isNew: boolean): Audience =>
  ({ tenantId }) => {
    const watchers = sql`select user_id from notification_inboxes where tenant_id = ${tenantId}::uuid and order_status = 'all'`;
    const wanting = isNew
      ? sql`u.id in (${watchers}) and u.id is distinct from ${createdBy}::uuid`
      : sql`(u.id in (${watchers}) or u.id = ${createdBy}::uuid and i.order_status is distinct from 'off')`;
    return sql`${wanting} and (cardinality(u.location_ids) = 0 or ${locationId}::uuid = any(u.location_ids))`;
  };

export const ofStock: Audience = () =>
  sql`coalesce(i.low_stock, u.role = any(${array(rolesWith('stock:write'))}::text[]))`;

export const ofAnnouncement: Audience = () => sql`coalesce(i.announcement, true)`;

/** Written into the statement; what one transaction adds to, and one event of the log names. */
export const recipientsAtOnce = 200;

/** The last user, in the order of ids, who was told of an event: everybody before them was looked at. */
export async function findLastTold(db: Db, eventId: string): Promise<string | null> {
  const [row] = await db.rows<{ userId: string }>(sql`
    select user_id as "userId" from notifications where tenant_id = ${db.tenantId}::uuid and event_id = ${eventId}
    order by user_id desc limit 1`);
  return row?.userId ?? null;
}

/** The next of those who are concerned, in the order of their ids. */
export async function findRecipients(
  db: Db,
  { audience, after }: { audience: Audience; after: string | null },
): Promise<string[]> {
  const rows = await db.rows<{ id: string }>(sql`
    select u.id from users u
    left join notification_inboxes i on i.tenant_id = u.tenant_id and i.user_id = u.id
    where u.tenant_id = ${db.tenantId}::uuid and u.active and (${audience(db)})
      ${after === null ? sql`` : sql`and u.id > ${after}::uuid`}
    order by u.id limit ${sql.raw(String(recipientsAtOnce))}`);
  return rows.map(({ id }) => id);
}

export interface Recipient {
  readonly userId: string;
  /** Of their notification. */
  readonly id: string;
  readonly sequence: number;
  readonly unread: number;
}

/** Gives users a notification, by one statement. Throws the database's `23505` where one of them has it already. */
export async function insertNotifications(
  db: Db,
  {
    notice,
    userIds,
    ids,
    expiresAt,
  }: { notice: Notice; userIds: readonly string[]; ids: readonly string[]; expiresAt: Date },
): Promise<Recipient[]> {
  const rows = await db.rows<Omit<Recipient, 'sequence'> & { sequence: string }>(sql`
    with given as (
      select * from unnest(${array(userIds)}::uuid[], ${array(ids)}::uuid[]) as g (user_id, id)
    ), boxes as (
      insert into notification_inboxes as i (tenant_id, user_id, last_sequence, unread)
      select ${db.tenantId}::uuid, user_id, 1, 1 from given order by user_id
      on conflict (tenant_id, user_id) do update set last_sequence = i.last_sequence + 1, unread = i.unread + 1
      returning user_id, last_sequence, unread
    ), made as (
      insert into notifications (tenant_id, id, user_id, sequence, kind, event_id, content, created_at, expires_at)
      select ${db.tenantId}::uuid, g.id, g.user_id, b.last_sequence, ${notice.kind}, ${notice.eventId},
             ${json(contentOf(notice))}::text::jsonb, ${notice.createdAt}::timestamptz, ${expiresAt}::timestamptz
      from given g join boxes b on b.user_id = g.user_id
    )
    select g.user_id as "userId", g.id, b.last_sequence as sequence, b.unread
    from given g join boxes b on b.user_id = g.user_id order by g.user_id`);
  return rows.map((row) => ({ ...row, sequence: Number(row.sequence) }));
}
