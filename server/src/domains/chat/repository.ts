import type { ChatChannel, ChatMessage, ChatReceipt, MyChatChannel } from '@olympus/contracts';
import { array, sql, type Db } from '@olympus/database';
import {
  channelColumns,
  messageColumns,
  myChannelColumns,
  myChannels,
  toChannel,
  toMessage,
  toMyChannel,
  type MessageRow,
  type MyChannelRow,
} from './rows.ts';

/**
 * What a transaction does in a channel, and so what it waits for: reading receipts for changes of members, writing for other
 * writers too, changes of members for everything. Taken before anything else is read or told, it makes the order of a
 * channel's events that of their commits.
 */
const locks = {
  receipts: sql`for key share`,
  writing: sql`for no key update`,
  members: sql`for update`,
};

/** What is read after this is no older than the lock. */
export async function lockChannel(db: Db, id: string, purpose: keyof typeof locks): Promise<void> {
  await db.rows(sql`
    select from chat_channels where tenant_id = ${db.tenantId}::uuid and id = ${id}::uuid ${locks[purpose]}`);
}

/** undefined where the user is no member. */
export async function findChannel(db: Db, id: string, userId: string): Promise<ChatChannel | undefined> {
  const [row] = await db.rows<ChatChannel>(sql`
    select ${channelColumns} from chat_members me
    join chat_channels c on c.tenant_id = me.tenant_id and c.id = me.channel_id
    where me.tenant_id = ${db.tenantId}::uuid and me.channel_id = ${id}::uuid and me.user_id = ${userId}::uuid`);
  return row && toChannel(row);
}

/** The channel as a member sees it; undefined where the user is none. */
export async function findMyChannel(db: Db, id: string, userId: string): Promise<MyChatChannel | undefined> {
  const [row] = await db.rows<MyChannelRow>(sql`
    select ${myChannelColumns} ${myChannels}
    where me.tenant_id = ${db.tenantId}::uuid and me.channel_id = ${id}::uuid and me.user_id = ${userId}::uuid`);
  return row && toMyChannel(row);
}

export async function channelIdsOf(db: Db, userId: string): Promise<Set<string>> {
  const rows = await db.rows<{ id: string }>(sql`
    select channel_id as id from chat_members where tenant_id = ${db.tenantId}::uuid and user_id = ${userId}::uuid`);
  return new Set(rows.map(({ id }) => id));
}

/** Which of the users are members now. */
export async function membersAmong(db: Db, channelId: string, userIds: readonly string[]): Promise<Set<string>> {
  const rows = await db.rows<{ id: string }>(sql`
    select user_id as id from chat_members
    where tenant_id = ${db.tenantId}::uuid and channel_id = ${channelId}::uuid and user_id = any(${array(userIds)}::uuid[])`);
  return new Set(rows.map(({ id }) => id));
}

/** Which of the ids are those of active users. */
export async function activeUsers(db: Db, ids: readonly string[]): Promise<Set<string>> {
  const rows = await db.rows<{ id: string }>(sql`
    select id from users where tenant_id = ${db.tenantId}::uuid and id = any(${array(ids)}::uuid[]) and active`);
  return new Set(rows.map(({ id }) => id));
}

export async function findDirect(db: Db, pair: string): Promise<string | undefined> {
  const [row] = await db.rows<{ id: string }>(sql`
    select id from chat_channels where tenant_id = ${db.tenantId}::uuid and pair = ${pair}`);
  return row?.id;
}

export interface NewChannel {
  readonly id: string;
  readonly name: string | null;
  /** Of a direct one. */
  readonly pair: string | null;
  readonly createdBy: string;
}

/** False where the pair has its channel already. */
export async function insertChannel(db: Db, { id, name, pair, createdBy }: NewChannel, now: Date): Promise<boolean> {
  const rows = await db.rows(sql`
    insert into chat_channels (tenant_id, id, kind, name, pair, created_by, last_activity_at, created_at, updated_at)
    values (${db.tenantId}::uuid, ${id}::uuid, ${pair === null ? 'team' : 'direct'}, ${name}, ${pair}, ${createdBy}::uuid,
            ${now}, ${now}, ${now})
    on conflict on constraint chat_channels_pair do nothing returning id`);
  return rows.length > 0;
}

export async function renameChannel(db: Db, id: string, change: { name: string; now: Date }): Promise<ChatChannel> {
  const [row] = await db.rows<ChatChannel>(sql`
    update chat_channels c set name = ${change.name}, updated_at = ${change.now}, version = version + 1
    where tenant_id = ${db.tenantId}::uuid and id = ${id}::uuid returning ${channelColumns}`);
  if (!row) throw new Error('a locked channel is gone');
  return toChannel(row);
}

/** Those who were none before. What was written before they came counts as read. */
export async function insertMembers(
  db: Db,
  channelId: string,
  { userIds, now }: { userIds: readonly string[]; now: Date },
): Promise<string[]> {
  const rows = await db.rows<{ id: string }>(sql`
    insert into chat_members (tenant_id, channel_id, user_id, joined_at, read_sequence)
      select c.tenant_id, c.id, u.id, ${now}, c.last_sequence
      from chat_channels c cross join unnest(${array(userIds)}::uuid[]) as u (id)
      where c.tenant_id = ${db.tenantId}::uuid and c.id = ${channelId}::uuid
    on conflict do nothing returning user_id as id`);
  return rows.map(({ id }) => id);
}

/** Whether the user was a member. */
export async function deleteMember(db: Db, channelId: string, userId: string): Promise<boolean> {
  const rows = await db.rows(sql`
    delete from chat_members where tenant_id = ${db.tenantId}::uuid and channel_id = ${channelId}::uuid
      and user_id = ${userId}::uuid returning user_id`);
  return rows.length > 0;
}

/** undefined where the member had read as far before. */
export async function advanceReceipt(
  db: Db,
  channelId: string,
  { userId, sequence, now }: { userId: string; sequence: number; now: Date },
): Promise<ChatReceipt | undefined> {
  const [row] = await db.rows<{ readSequence: string }>(sql`
    update chat_members m set read_sequence = least(${sequence}::bigint, c.last_sequence), read_at = ${now}
    from chat_channels c
    where m.tenant_id = ${db.tenantId}::uuid and m.channel_id = ${channelId}::uuid and m.user_id = ${userId}::uuid
      and c.tenant_id = m.tenant_id and c.id = m.channel_id and m.read_sequence < least(${sequence}::bigint, c.last_sequence)
    returning m.read_sequence as "readSequence"`);
  return row && { userId, readSequence: Number(row.readSequence), readAt: now };
}

export async function findReceipt(db: Db, channelId: string, userId: string): Promise<ChatReceipt | undefined> {
  const [row] = await db.rows<{ readSequence: string; readAt: Date | null }>(sql`
    select read_sequence as "readSequence", read_at as "readAt" from chat_members
    where tenant_id = ${db.tenantId}::uuid and channel_id = ${channelId}::uuid and user_id = ${userId}::uuid`);
  return row && { userId, readSequence: Number(row.readSequence), readAt: row.readAt };
}

/** undefined where there is none, or the user is no member of its channel. */
export async function findMessage(db: Db, id: string, userId: string): Promise<ChatMessage | undefined> {
  const [row] = await db.rows<MessageRow>(sql`
    select ${messageColumns} from chat_messages m
    join chat_members me on me.tenant_id = m.tenant_id and me.channel_id = m.channel_id and me.user_id = ${userId}::uuid
    where m.tenant_id = ${db.tenantId}::uuid and m.id = ${id}::uuid`);
  return row && toMessage(row);
}

export async function findSent(db: Db, senderId: string, clientId: string): Promise<ChatMessage | undefined> {
  const [row] = await db.rows<MessageRow>(sql`
    select ${messageColumns} from chat_messages m
    where tenant_id = ${db.tenantId}::uuid and sender_id = ${senderId}::uuid and client_id = ${clientId}`);
  return row && toMessage(row);
}

export interface NewMessage {
  readonly id: string;
  readonly channelId: string;
  readonly senderId: string;
  readonly clientId: string;
  readonly text: string;
}

/** Takes the next place in its channel, which must be locked. */
export async function insertMessage(db: Db, message: NewMessage, now: Date): Promise<ChatMessage> {
  const [row] = await db.rows<MessageRow>(sql`
    with place as (
      update chat_channels set last_sequence = last_sequence + 1, last_activity_at = ${now}
      where tenant_id = ${db.tenantId}::uuid and id = ${message.channelId}::uuid returning tenant_id, id, last_sequence)
    insert into chat_messages as m
      (tenant_id, id, channel_id, sequence, sender_id, client_id, text, created_at, updated_at)
    select tenant_id, ${message.id}::uuid, id, last_sequence, ${message.senderId}::uuid, ${message.clientId},
           ${message.text}, ${now}::timestamptz, ${now}::timestamptz
    from place returning ${messageColumns}`);
  if (!row) throw new Error('a locked channel is gone');
  return toMessage(row);
}

/** Null takes the text away, and says who did. */
export async function changeMessage(
  db: Db,
  id: string,
  { text, userId, now }: { text: string | null; userId: string; now: Date },
): Promise<ChatMessage> {
  const change =
    text === null
      ? sql`text = null, deleted_at = ${now}, deleted_by = ${userId}::uuid`
      : sql`text = ${text}, edited_at = ${now}`;
  const [row] = await db.rows<MessageRow>(sql`
    update chat_messages m set ${change}, updated_at = ${now}, version = version + 1
    where tenant_id = ${db.tenantId}::uuid and id = ${id}::uuid returning ${messageColumns}`);
  if (!row) throw new Error('a message of a locked channel is gone');
  return toMessage(row);
}
