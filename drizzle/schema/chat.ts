import { sql, type SQL } from 'drizzle-orm';
import { bigint, customType, foreignKey, index, pgTable, primaryKey, text, unique, uuid } from 'drizzle-orm/pg-core';
import { code, id, instant, stamps, tenantId, tenantPolicy } from '../columns.ts';
import { users } from './identity.ts';

const tsvector = customType<{ data: string }>({ dataType: () => 'tsvector' });

/** Rooms of a tenant's users. Whoever writes into one, or changes who is in it, locks its row: so all see one order. */
export const chatChannels = pgTable(
  'chat_channels',
  {
    tenantId: tenantId(),
    id: id(),
    /** `direct` or `team`. */
    kind: text().notNull(),
    /** Null for a direct one. */
    name: text(),
    /** Both user ids of a direct one, the lower first; null for a team’s. */
    pair: code(),
    createdBy: uuid('created_by').notNull(),
    /** The sequence of the last message; 0 before the first. */
    lastSequence: bigint('last_sequence', { mode: 'number' }).notNull().default(0),
    lastActivityAt: instant('last_activity_at').notNull(),
    ...stamps(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    unique('chat_channels_pair').on(t.tenantId, t.pair),
    tenantPolicy('chat_channels'),
  ],
);

/** Who is in a channel, and how far they have read. */
export const chatMembers = pgTable(
  'chat_members',
  {
    tenantId: tenantId(),
    channelId: uuid('channel_id').notNull(),
    userId: uuid('user_id').notNull(),
    joinedAt: instant('joined_at').notNull(),
    /** The sequence of the last message read; 0 before the first. */
    readSequence: bigint('read_sequence', { mode: 'number' }).notNull().default(0),
    readAt: instant('read_at'),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.channelId, t.userId] }),
    foreignKey({
      name: 'chat_members_channel',
      columns: [t.tenantId, t.channelId],
      foreignColumns: [chatChannels.tenantId, chatChannels.id],
    }),
    foreignKey({
      name: 'chat_members_user',
      columns: [t.tenantId, t.userId],
      foreignColumns: [users.tenantId, users.id],
    }),
    index('chat_members_user').on(t.tenantId, t.userId),
    tenantPolicy('chat_members'),
  ],
);

/** Messages in the one order of their channel. A deleted one keeps its place and loses its text. */
export const chatMessages = pgTable(
  'chat_messages',
  {
    tenantId: tenantId(),
    id: id(),
    channelId: uuid('channel_id').notNull(),
    /** From 1, without gaps within a channel. */
    sequence: bigint({ mode: 'number' }).notNull(),
    senderId: uuid('sender_id').notNull(),
    /** The sender’s own id of it, under which it is sent once. */
    clientId: code('client_id').notNull(),
    text: text(),
    editedAt: instant('edited_at'),
    deletedAt: instant('deleted_at'),
    deletedBy: uuid('deleted_by'),
    ...stamps(),
    // No index: `@@` is not leakproof, so under row-level security the planner could not use it.
    words: tsvector().generatedAlwaysAs((): SQL => sql`to_tsvector('simple', coalesce(text, ''))`),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    unique('chat_messages_sequence').on(t.tenantId, t.channelId, t.sequence),
    unique('chat_messages_client').on(t.tenantId, t.senderId, t.clientId),
    foreignKey({
      name: 'chat_messages_channel',
      columns: [t.tenantId, t.channelId],
      foreignColumns: [chatChannels.tenantId, chatChannels.id],
    }),
    tenantPolicy('chat_messages'),
  ],
);
