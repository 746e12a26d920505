import { z } from 'zod';
import { mutation, query, subscription } from '../contract.ts';
import { errors } from '../errors.ts';
import { ChatEvent } from '../events.ts';
import {
  ChatMember,
  ChatMessage,
  ChatPerson,
  ChatReceipt,
  clientMessageId,
  MessageText,
  MyChatChannel,
  PresenceEvent,
  PresenceStatus,
  sequence,
} from '../models/chat.ts';
import { expectedVersion, Id, lastEventId, pageInput, pageOf, sortOf, text, Words } from '../models/common.ts';

const { CHANNEL_IS_DIRECT, CHANNEL_NOT_FOUND, MESSAGE_ID_REUSED, MESSAGE_NOT_FOUND, USER_NOT_FOUND } = errors;

const name = text(100).meta({ examples: ['Warehouse'] });
const userIds = z.array(Id).max(100);

const channels = {
  list: query({
    summary: 'List the channels that the caller is in, with what is unread and the last message',
    operationId: 'listChatChannels',
    rest: 'GET /chat/channels',
    access: 'chat:read',
    input: z.strictObject({ ...pageInput, sort: sortOf(['lastActivityAt', 'createdAt'], '-lastActivityAt') }),
    output: pageOf(MyChatChannel, 'MyChatChannelPage'),
  }),
  get: query({
    summary: 'Get a channel',
    operationId: 'getChatChannel',
    rest: 'GET /chat/channels/{id}',
    access: 'chat:read',
    input: z.strictObject({ id: Id }),
    output: MyChatChannel,
    errors: { CHANNEL_NOT_FOUND },
  }),
  create: mutation({
    summary: 'Open a team channel, whose first member is the caller',
    operationId: 'createChatChannel',
    rest: 'POST /chat/channels',
    status: 201,
    access: 'chat:write',
    input: z.strictObject({ name, userIds: userIds.default([]).meta({ description: 'Members beside the caller' }) }),
    output: MyChatChannel,
    errors: { USER_NOT_FOUND },
  }),
  openDirect: mutation({
    summary: 'Open the direct channel with a user, or find it',
    operationId: 'openDirectChatChannel',
    rest: 'POST /chat/direct-channels',
    access: 'chat:write',
    input: z.strictObject({ userId: Id }),
    output: MyChatChannel,
    errors: { USER_NOT_FOUND },
  }),
  rename: mutation({
    summary: 'Rename a team channel; any member may',
    operationId: 'renameChatChannel',
    rest: 'PATCH /chat/channels/{id}',
    access: 'chat:write',
    input: z.strictObject({ id: Id, name, expectedVersion }),
    output: MyChatChannel,
    errors: { CHANNEL_NOT_FOUND, CHANNEL_IS_DIRECT },
  }),
  leave: mutation({
    summary: 'Leave a team channel',
    operationId: 'leaveChatChannel',
    rest: 'POST /chat/channels/{id}/leave',
    status: 204,
    access: 'chat:write',
    input: z.strictObject({ id: Id }),
    output: z.null(),
    errors: { CHANNEL_NOT_FOUND, CHANNEL_IS_DIRECT },
  }),
  markRead: mutation({
    summary: 'Mark a channel as read up to a message. It never goes back',
    operationId: 'markChatChannelRead',
    rest: 'POST /chat/channels/{id}/read',
    access: 'chat:write',
    audit: false,
    input: z.strictObject({ id: Id, sequence: sequence.min(0) }),
    output: ChatReceipt,
    errors: { CHANNEL_NOT_FOUND },
  }),
};

const members = {
  list: query({
    summary: 'List who is in a channel and how far each has read',
    operationId: 'listChatMembers',
    rest: 'GET /chat/channels/{id}/members',
    access: 'chat:read',
    input: z.strictObject({
      id: Id,
      ...pageInput,
      sort: sortOf(['joinedAt', 'name'], 'name'),
      readSequence: sequence.min(0).optional().meta({ description: 'Only those who have read this message' }),
    }),
    output: pageOf(ChatMember, 'ChatMemberPage'),
    errors: { CHANNEL_NOT_FOUND },
  }),
  add: mutation({
    summary: 'Add users to a team channel; any member may',
    operationId: 'addChatMembers',
    rest: 'POST /chat/channels/{id}/members',
    access: 'chat:write',
    input: z.strictObject({ id: Id, userIds: userIds.min(1) }),
    output: MyChatChannel,
    errors: { CHANNEL_NOT_FOUND, CHANNEL_IS_DIRECT, USER_NOT_FOUND },
  }),
  remove: mutation({
    summary: 'Take a user out of a team channel; who opened it may, and a moderator who is a member',
    operationId: 'removeChatMember',
    rest: 'DELETE /chat/channels/{id}/members/{userId}',
    status: 204,
    access: 'chat:write',
    input: z.strictObject({ id: Id, userId: Id }),
    output: z.null(),
    errors: { CHANNEL_NOT_FOUND, CHANNEL_IS_DIRECT, USER_NOT_FOUND },
  }),
};

const messages = {
  list: query({
    summary: 'List the messages of a channel: the newest first, or in their order after a given one',
    operationId: 'listChatMessages',
    rest: 'GET /chat/channels/{channelId}/messages',
    access: 'chat:read',
    input: z.strictObject({
      channelId: Id,
      ...pageInput,
      sort: sortOf(['sequence'], '-sequence'),
      after: sequence.min(0).optional().meta({ description: 'Only messages after this sequence' }),
    }),
    output: pageOf(ChatMessage, 'ChatMessagePage'),
    errors: { CHANNEL_NOT_FOUND },
  }),
  search: query({
    summary: 'Search the channels that the caller is in: messages with words that begin so',
    operationId: 'searchChatMessages',
    rest: 'GET /chat/messages',
    access: 'chat:read',
    input: z.strictObject({
      ...pageInput,
      sort: sortOf(['createdAt'], '-createdAt'),
      q: Words,
      channelId: Id.optional(),
    }),
    output: pageOf(ChatMessage, 'FoundChatMessagePage'),
  }),
  get: query({
    summary: 'Get a message',
    operationId: 'getChatMessage',
    rest: 'GET /chat/messages/{id}',
    access: 'chat:read',
    input: z.strictObject({ id: Id }),
    output: ChatMessage,
    errors: { MESSAGE_NOT_FOUND },
  }),
  send: mutation({
    summary: 'Send a message, once for each of the sender’s client ids',
    operationId: 'sendChatMessage',
    rest: 'POST /chat/channels/{channelId}/messages',
    status: 201,
    access: 'chat:write',
    // The message is its own record; what is deleted is not to live on elsewhere.
    audit: false,
    input: z.strictObject({ channelId: Id, clientId: clientMessageId, text: MessageText }),
    output: ChatMessage,
    errors: { CHANNEL_NOT_FOUND, MESSAGE_ID_REUSED },
  }),
  edit: mutation({
    summary: 'Change the text of an own message',
    operationId: 'editChatMessage',
    rest: 'PATCH /chat/messages/{id}',
    access: 'chat:write',
    audit: false,
    input: z.strictObject({ id: Id, text: MessageText, expectedVersion }),
    output: ChatMessage,
    errors: { MESSAGE_NOT_FOUND },
  }),
  delete: mutation({
    summary: 'Delete an own message, or as a moderator that of another member. Its place remains',
    operationId: 'deleteChatMessage',
    rest: 'DELETE /chat/messages/{id}',
    status: 204,
    access: 'chat:write',
    input: z.strictObject({ id: Id, expectedVersion }),
    output: z.null(),
    errors: { MESSAGE_NOT_FOUND },
  }),
};

export const chat = {
  people: {
    list: query({
      summary: 'List whom the caller may chat with: the active users of the tenant, by their names',
      operationId: 'listChatPeople',
      rest: 'GET /chat/people',
      access: 'chat:read',
      input: z.strictObject({ ...pageInput, sort: sortOf(['name'], 'name'), q: Words.optional() }),
      output: pageOf(ChatPerson, 'ChatPersonPage'),
    }),
  },
  channels,
  members,
  messages,
  updates: subscription({
    summary: 'Follow what happens in the channels that the caller is in',
    operationId: 'followChat',
    rest: 'GET /chat/events',
    access: 'chat:read',
    rate: 'stream',
    tracked: true,
    input: z.strictObject({ channelId: Id.optional(), lastEventId }),
    output: ChatEvent,
  }),
  presence: subscription({
    summary: 'Be there, and follow who is there and who is typing. Nothing of it is kept',
    operationId: 'followPresence',
    rest: 'GET /chat/presence',
    access: 'chat:read',
    rate: 'stream',
    input: z.strictObject({
      status: PresenceStatus.optional().meta({
        description: 'What this device says; absent: `online`. API keys are never there',
      }),
    }),
    output: PresenceEvent,
  }),
  signal: mutation({
    summary: 'Tell the members of a channel that the caller is typing, or has stopped',
    operationId: 'signalTyping',
    rest: 'POST /chat/channels/{channelId}/typing',
    status: 204,
    access: 'chat:write',
    audit: false,
    idempotent: false,
    unitOfWork: 'own',
    input: z.strictObject({ channelId: Id, typing: z.boolean().default(true) }),
    output: z.null(),
    errors: { CHANNEL_NOT_FOUND },
  }),
};
