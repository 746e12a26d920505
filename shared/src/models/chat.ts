import { z } from 'zod';
import { Id, stamps } from './common.ts';

/** Text of a message: 1 to 4,000 characters, as they were typed. */
export const MessageText = z
  .string()
  .min(1)
  .max(4000)
  .regex(/\S/, 'must hold more than spaces')
  .meta({ id: 'ChatMessageText', examples: ['The red mugs are back in stock'] });

/** The sender's own id of a message: sent again, it is the same message. */
export const clientMessageId = z
  .string()
  .regex(/^[\w-]{1,64}$/, 'must be 1 to 64 letters, digits, underscores and hyphens')
  .meta({
    description: 'Your own id of the message, new for each: sent again, it is the same message',
    examples: ['4fWq0ZxT9b2K'],
  });

export const sequence = z
  .int()
  .meta({ description: 'Place of the message in its channel, from 1, without gaps', examples: [42] });
const readSequence = z
  .int()
  .meta({ description: 'Sequence of the last message read; 0 before the first', examples: [41] });

export const ChatMessage = z
  .object({
    id: Id,
    channelId: Id,
    sequence,
    senderId: Id,
    clientId: z.string(),
    text: z.string().nullable().meta({ description: 'Null once the message is deleted' }),
    editedAt: z.date().nullable(),
    deletedAt: z.date().nullable(),
    ...stamps,
  })
  .meta({ id: 'ChatMessage' });
export type ChatMessage = z.output<typeof ChatMessage>;

export const ChannelKind = z
  .enum(['direct', 'team'])
  .meta({ id: 'ChatChannelKind', description: '`direct`: of two users, one for each pair' });

const channel = {
  id: Id,
  kind: ChannelKind,
  name: z.string().nullable().meta({ description: 'Null for a direct channel' }),
  createdBy: Id,
  ...stamps,
};

/** A channel as all its members see it. */
export const ChatChannel = z.object(channel).meta({ id: 'ChatChannel' });
export type ChatChannel = z.output<typeof ChatChannel>;

/** A channel as the caller sees it. */
export const MyChatChannel = z
  .object({
    ...channel,
    withUserId: Id.nullable().meta({ description: 'The other user of a direct channel' }),
    lastSequence: z.int().meta({ description: 'Sequence of the last message; 0 before the first' }),
    lastMessage: ChatMessage.nullable(),
    lastActivityAt: z.date(),
    readSequence,
    unreadCount: z.int().meta({ description: 'Messages of others that are not read; 1,000 stands for that and more' }),
  })
  .meta({ id: 'MyChatChannel' });
export type MyChatChannel = z.output<typeof MyChatChannel>;

/** How far a member has read. */
export const ChatReceipt = z
  .object({ userId: Id, readSequence, readAt: z.date().nullable() })
  .meta({ id: 'ChatReceipt' });
export type ChatReceipt = z.output<typeof ChatReceipt>;

export const ChatMember = z
  .object({ userId: Id, name: z.string(), joinedAt: z.date(), readSequence, readAt: z.date().nullable() })
  .meta({ id: 'ChatMember' });
export type ChatMember = z.output<typeof ChatMember>;

/** Somebody to chat with. */
export const ChatPerson = z.object({ userId: Id, name: z.string() }).meta({ id: 'ChatPerson' });
export type ChatPerson = z.output<typeof ChatPerson>;

/** A user is online where any of their devices is, away where all that are there are away. */
export const PresenceStatus = z.enum(['online', 'away']).meta({ id: 'PresenceStatus' });
export type PresenceStatus = z.output<typeof PresenceStatus>;

const Presence = z.object({ userId: Id, status: PresenceStatus }).meta({ id: 'Presence' });

/** Who is there, first; then what changes. `offline` says that the last of a user's devices has left. */
export const PresenceEvent = z
  .discriminatedUnion('type', [
    z.object({ type: z.literal('presence.state'), users: z.array(Presence) }).meta({ id: 'PresenceState' }),
    z
      .object({
        type: z.literal('presence.changed'),
        userId: Id,
        status: z.enum(['online', 'away', 'offline']).meta({ id: 'PresenceChangeStatus' }),
      })
      .meta({ id: 'PresenceChanged' }),
    z
      .object({
        type: z.literal('typing'),
        channelId: Id,
        userId: Id,
        until: z.date().nullable().meta({ description: 'When to take it for ended; null: it has ended' }),
      })
      .meta({ id: 'TypingSignal' }),
  ])
  .meta({ id: 'PresenceEvent' });
export type PresenceEvent = z.output<typeof PresenceEvent>;
