import type { ChatChannel, ChatMember, ChatMessage, MyChatChannel } from '@olympus/contracts';
import { sql } from '@olympus/database';

/** The columns of `chat_messages m` under the names that rows are read by. */
export const messageColumns = sql`
  m.id, m.channel_id as "channelId", m.sequence, m.sender_id as "senderId", m.client_id as "clientId", m.text,
  m.edited_at as "editedAt", m.deleted_at as "deletedAt", m.created_at as "createdAt", m.updated_at as "updatedAt",
  m.version`;

/** Numbers of 8 bytes are read as text. */
export type MessageRow = Omit<ChatMessage, 'sequence'> & { readonly sequence: string };

export const toMessage = (row: MessageRow): ChatMessage => ({
  id: row.id,
  channelId: row.channelId,
  sequence: Number(row.sequence),
  senderId: row.senderId,
  clientId: row.clientId,
  text: row.text,
  editedAt: row.editedAt,
  deletedAt: row.deletedAt,
  createdAt: row.createdAt,
  updatedAt: row.updatedAt,
  version: row.version,
});

/** The columns of `chat_channels c`. */
export const channelColumns = sql`
  c.id, c.kind, c.name, c.created_by as "createdBy", c.created_at as "createdAt", c.updated_at as "updatedAt", c.version`;

export const toChannel = ({ id, kind, name, createdBy, ...row }: ChatChannel): ChatChannel => ({
  id,
  kind,
  name,
  createdBy,
  createdAt: row.createdAt,
  updatedAt: row.updatedAt,
  version: row.version,
});

/** Of what comes after this many nobody wants to know how much it is. */
const mostUnread = sql.raw('1000');

export const myChannelColumns = sql`
  ${channelColumns}, c.last_sequence as "lastSequence", c.last_activity_at as "lastActivityAt",
  me.read_sequence as "readSequence", unread.count as "unreadCount", other.user_id as "withUserId",
  m.id as "lastId", m.sender_id as "lastSenderId", m.client_id as "lastClientId", m.text as "lastText",
  m.edited_at as "lastEditedAt", m.deleted_at as "lastDeletedAt", m.created_at as "lastCreatedAt",
  m.updated_at as "lastUpdatedAt", m.version as "lastVersion"`;

/** The channels `c` of a member `me`. */
export const myChannels = sql`
  from chat_members me
  join chat_channels c on c.tenant_id = me.tenant_id and c.id = me.channel_id
  left join chat_messages m on m.tenant_id = c.tenant_id and m.channel_id = c.id and m.sequence = c.last_sequence
  left join chat_members other on c.kind = 'direct' and other.tenant_id = c.tenant_id and other.channel_id = c.id
    and other.user_id <> me.user_id
  cross join lateral (
    select count(*)::int as count from (
      select from chat_messages u
      where u.tenant_id = c.tenant_id and u.channel_id = c.id and u.sequence > me.read_sequence
        and u.sender_id <> me.user_id and u.deleted_at is null
      limit ${mostUnread}) counted) unread`;

export interface MyChannelRow extends ChatChannel {
  readonly lastSequence: string;
  readonly lastActivityAt: Date;
  readonly readSequence: string;
  readonly unreadCount: number;
  readonly withUserId: string | null;
  readonly lastId: string | null;
  readonly lastSenderId: string;
  readonly lastClientId: string;
  readonly lastText: string | null;
  readonly lastEditedAt: Date | null;
  readonly lastDeletedAt: Date | null;
  readonly lastCreatedAt: Date;
  readonly lastUpdatedAt: Date;
  readonly lastVersion: number;
}

export const toMyChannel = (row: MyChannelRow): MyChatChannel => ({
  ...toChannel(row),
  withUserId: row.withUserId,
  lastSequence: Number(row.lastSequence),
  lastMessage: row.lastId === null ? null : lastMessageOf(row, row.lastId),
  lastActivityAt: row.lastActivityAt,
  readSequence: Number(row.readSequence),
  unreadCount: row.unreadCount,
});

const lastMessageOf = (row: MyChannelRow, id: string): ChatMessage => ({
  id,
  channelId: row.id,
  sequence: Number(row.lastSequence),
  senderId: row.lastSenderId,
  clientId: row.lastClientId,
  text: row.lastText,
  editedAt: row.lastEditedAt,
  deletedAt: row.lastDeletedAt,
  createdAt: row.lastCreatedAt,
  updatedAt: row.lastUpdatedAt,
  version: row.lastVersion,
});

export type MemberRow = Omit<ChatMember, 'readSequence'> & { readonly readSequence: string };

export const toMember = ({ userId, name, joinedAt, readSequence, readAt }: MemberRow): ChatMember => ({
  userId,
  name,
  joinedAt,
  readSequence: Number(readSequence),
  readAt,
});
