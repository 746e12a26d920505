import { contracts } from '@olympus/contracts';
import type { Follow } from '../../events/subscription.ts';
import { implement, type Handlers } from '../../kernel/implement.ts';
import type { Cursors } from '../cursors.ts';
import { page } from '../paging.ts';
import * as channels from './channels.ts';
import { foundMessageList, memberList, messageList, myChannelList, peopleList } from './lists.ts';
import * as messages from './messages.ts';
import type { Presence } from './presence/presence.ts';
import { findMessage, findChannel } from './repository.ts';
import { presenceUpdates, signalTyping } from './signals.ts';
import { chatUpdates } from './updates.ts';

export interface ChatDependencies {
  readonly cursors: Cursors;
  readonly follow: Follow;
  readonly presence: Presence;
}

export const chat = ({ cursors, follow, presence }: ChatDependencies): Handlers<typeof contracts.chat> =>
  implement(contracts.chat, {
    people: {
      list: ({ input, ctx: { db } }) => page(db, cursors, { input, list: peopleList(db, input) }),
    },
    channels: {
      list: ({ input, ctx: { db, principal } }) =>
        page(db, cursors, { input, list: myChannelList(db, principal.userId) }),
      get: ({ input: { id }, ctx, fail }) => channels.current(ctx, id, fail),
      create: async ({ input, ctx, fail }) => channels.opened(ctx, await channels.create(ctx, input, fail)),
      openDirect: async ({ input, ctx, fail }) => channels.opened(ctx, await channels.openDirect(ctx, input, fail)),
      rename: async ({ input, ctx, fail }) => {
        await channels.rename(ctx, input, fail);
        return channels.current(ctx, input.id, fail);
      },
      leave: async ({ input, ctx, fail }) => {
        await channels.leave(ctx, input, fail);
        return null;
      },
      markRead: ({ input, ctx, fail }) => messages.markRead(ctx, input, fail),
    },
    members: {
      list: async ({ input, ctx: { db, principal }, fail }) =>
        (await findChannel(db, input.id, principal.userId))
          ? page(db, cursors, { input, list: memberList(db, input) })
          : fail('CHANNEL_NOT_FOUND', { id: input.id }),
      add: async ({ input, ctx, fail }) => {
        await channels.addMembers(ctx, input, fail);
        return channels.current(ctx, input.id, fail);
      },
      remove: async ({ input, ctx, fail }) => {
        await channels.removeMember(ctx, input, fail);
        return null;
      },
    },
    messages: {
      list: async ({ input, ctx: { db, principal }, fail }) =>
        (await findChannel(db, input.channelId, principal.userId))
          ? page(db, cursors, { input, list: messageList(db, input) })
          : fail('CHANNEL_NOT_FOUND', { id: input.channelId }),
      search: ({ input, ctx: { db, principal } }) =>
        page(db, cursors, { input, list: foundMessageList(db, input, principal.userId) }),
      get: async ({ input: { id }, ctx: { db, principal }, fail }) =>
        (await findMessage(db, id, principal.userId)) ?? fail('MESSAGE_NOT_FOUND', { id }),
      send: ({ input, ctx, fail }) => messages.send(ctx, input, fail),
      edit: ({ input, ctx, fail }) => messages.edit(ctx, input, fail),
      delete: async ({ input, ctx, fail }) => {
        await messages.remove(ctx, input, fail);
        return null;
      },
    },
    updates: chatUpdates(follow),
    presence: presenceUpdates(presence),
    signal: signalTyping(presence),
  });
