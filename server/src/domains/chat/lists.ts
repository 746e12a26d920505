import type { ChatMember, ChatMessage, ChatPerson, contracts, MyChatChannel, ParsedInputOf } from '@olympus/contracts';
import { sql, type Db, type SQL } from '@olympus/database';
import type { List } from '../paging.ts';
import { hasWords } from '../words.ts';
import {
  messageColumns,
  myChannelColumns,
  myChannels,
  toMember,
  toMessage,
  toMyChannel,
  type MemberRow,
  type MessageRow,
  type MyChannelRow,
} from './rows.ts';

type Chat = typeof contracts.chat;
type Input<K extends 'members' | 'messages' | 'people', V extends keyof Chat[K]> = Chat[K][V] extends { def: infer D }
  ? ParsedInputOf<D>
  : never;

export const peopleList = (db: Db, { q }: Input<'people', 'list'>): List<ChatPerson, ChatPerson> => ({
  name: 'chat people',
  select: sql`u.id as "userId", u.name`,
  from: sql`from users u`,
  where: [
    sql`u.tenant_id = ${db.tenantId}::uuid`,
    sql`u.active`,
    q === undefined ? undefined : hasWords([sql`u.name`], q),
  ],
  id: sql`u.id`,
  sortable: { name: { column: sql`u.name`, type: 'text' } },
  item: ({ userId, name }) => ({ userId, name }),
});

export const myChannelList = (db: Db, userId: string): List<MyChannelRow, MyChatChannel> => ({
  name: `chat channels of ${userId}`,
  select: myChannelColumns,
  from: myChannels,
  where: [sql`me.tenant_id = ${db.tenantId}::uuid`, sql`me.user_id = ${userId}::uuid`],
  id: sql`c.id`,
  sortable: {
    lastActivityAt: { column: sql`c.last_activity_at`, type: 'timestamptz' },
    createdAt: { column: sql`c.created_at`, type: 'timestamptz' },
  },
  item: toMyChannel,
});

export const memberList = (db: Db, { id, readSequence }: Input<'members', 'list'>): List<MemberRow, ChatMember> => ({
  name: `chat members of ${id}`,
  select: sql`
    m.user_id as "userId", u.name, m.joined_at as "joinedAt", m.read_sequence as "readSequence", m.read_at as "readAt"`,
  from: sql`from chat_members m join users u on u.tenant_id = m.tenant_id and u.id = m.user_id`,
  where: [
    sql`m.tenant_id = ${db.tenantId}::uuid`,
    sql`m.channel_id = ${id}::uuid`,
    readSequence === undefined ? undefined : sql`m.read_sequence >= ${readSequence}`,
  ],
  id: sql`m.user_id`,
  sortable: {
    joinedAt: { column: sql`m.joined_at`, type: 'timestamptz' },
    name: { column: sql`u.name`, type: 'text' },
  },
  item: toMember,
});

export const messageList = (
  db: Db,
  { channelId, after }: Input<'messages', 'list'>,
): List<MessageRow, ChatMessage> => ({
  name: `chat messages of ${channelId}`,
  select: messageColumns,
  from: sql`from chat_messages m`,
  where: [
    sql`m.tenant_id = ${db.tenantId}::uuid`,
    sql`m.channel_id = ${channelId}::uuid`,
    after === undefined ? undefined : sql`m.sequence > ${after}`,
  ],
  id: sql`m.id`,
  sortable: { sequence: { column: sql`m.sequence`, type: 'bigint' } },
  item: toMessage,
});

export const foundMessageList = (
  db: Db,
  { q, channelId }: Input<'messages', 'search'>,
  userId: string,
): List<MessageRow, ChatMessage> => ({
  name: `chat search of ${userId}`,
  select: messageColumns,
  from: sql`from chat_members me join chat_messages m on m.tenant_id = me.tenant_id and m.channel_id = me.channel_id`,
  where: [
    sql`me.tenant_id = ${db.tenantId}::uuid`,
    sql`me.user_id = ${userId}::uuid`,
    channelId === undefined ? undefined : sql`me.channel_id = ${channelId}::uuid`,
    sql`m.words @@ ${beginnings(q)}`,
  ],
  id: sql`m.id`,
  sortable: { createdAt: { column: sql`m.created_at`, type: 'timestamptz' } },
  item: toMessage,
});

/** Words that begin so, all of them, in whatever order. Each is quoted, so that nothing in it is an operator. */
function beginnings(q: string): SQL {
  const words = q.split(/\s+/).filter(Boolean);
  return sql`to_tsquery('simple', ${words.map((word) => `'${word.replaceAll(/['\\]/g, '$&$&')}':*`).join(' & ')})`;
}
