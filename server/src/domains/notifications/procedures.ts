import {
  contracts,
  permissionsOf,
  type EventPayload,
  type NotificationPreferences,
  type Role,
} from '@olympus/contracts';
import { append } from '../../events/outbox.ts';
import type { Follow } from '../../events/subscription.ts';
import type { Context } from '../../kernel/context.ts';
import { implement, type Handlers } from '../../kernel/implement.ts';
import type { Cursors } from '../cursors.ts';
import { page } from '../paging.ts';
import { publish } from './announcement.ts';
import * as repository from './repository.ts';
import { notificationUpdates } from './updates.ts';

type Changing = Pick<Context, 'db' | 'clock' | 'requestId' | 'stale' | 'principal'>;

export interface NotificationsDependencies {
  readonly cursors: Cursors;
  readonly follow: Follow;
}

export const notifications = ({
  cursors,
  follow,
}: NotificationsDependencies): Handlers<typeof contracts.notifications> =>
  implement(contracts.notifications, {
    list: ({ input, ctx: { db, principal } }) =>
      page(db, cursors, { input, list: repository.notificationList(db, input, principal.userId) }),
    unread: async ({ ctx: { db, principal } }) => ({ unread: await repository.countUnread(db, principal.userId) }),

    async markRead({ input: { ids }, ctx, fail }) {
      const { db, clock, principal } = ctx;
      const { userId } = principal;
      const inbox = await repository.lockInbox(db, userId);
      const unknown = await repository.findUnknown(db, userId, ids);
      if (!inbox || unknown !== undefined) return fail('NOTIFICATION_NOT_FOUND', { id: unknown ?? ids[0] ?? '' });
      const read = await repository.readNotifications(db, { userId, ids, now: clock.now() });
      await told(ctx, inbox, { ids: read, readThrough: null, unread: inbox.unread - read.length });
      return null;
    },

    async markAllRead({ input, ctx }) {
      const { db, clock, principal } = ctx;
      const { userId } = principal;
      const inbox = await repository.lockInbox(db, userId);
      if (!inbox) return null;
      const readThrough = Math.min(input.readThrough ?? Infinity, inbox.lastSequence);
      const read = await repository.readThrough(db, { userId, readThrough, now: clock.now() });
      // What was counted and is no longer there is not unread either.
      const unread = readThrough === inbox.lastSequence ? 0 : inbox.unread - read;
      await told(ctx, inbox, { ids: [], readThrough, unread });
      return null;
    },

    updates: notificationUpdates(follow),

    preferences: {
      get: async ({ ctx: { db, principal } }) =>
        preferencesOf(await repository.findChoices(db, principal.userId), principal.role),
      async update({ input, ctx }) {
        const { db, principal, record } = ctx;
        const before = preferencesOf(await repository.findChoices(db, principal.userId), principal.role);
        const after = preferencesOf(await repository.changeChoices(db, principal.userId, input), principal.role);
        record({ before, after });
        return after;
      },
    },

    settings: {
      get: ({ ctx: { db } }) => repository.findSettings(db),
      async update({ input, ctx: { db, record } }) {
        const before = await repository.findSettings(db);
        await repository.replaceSettings(db, input);
        record({ before, after: input });
        return input;
      },
    },

    announce: ({ input, ctx }) => publish(ctx, { id: ctx.ids.next(), ...input }),
  });

type Reading = Pick<EventPayload<'notifications.read'>, 'ids' | 'readThrough' | 'unread'>;

/** Keeps the new count of a locked inbox, and tells the user’s devices; nothing where it is the old one. */
async function told(ctx: Changing, before: repository.InboxState, reading: Reading): Promise<void> {
  const { userId } = ctx.principal;
  const unread = Math.max(reading.unread, 0);
  if (unread === before.unread) return;
  await repository.setUnread(ctx.db, userId, unread);
  await append<'notifications.read'>(
    ctx,
    { topic: 'notifications', id: userId },
    { type: 'notifications.read', userId, ...reading, unread },
  );
}

/** What holds where the user has not chosen: `audience-repository.ts` says the same to the database. */
const preferencesOf = (
  { orderStatus, lowStock, announcement }: repository.Choices,
  role: Role,
): NotificationPreferences => ({
  orderStatus: orderStatus ?? 'mine',
  lowStock: lowStock ?? permissionsOf[role].has('stock:write'),
  announcement: announcement ?? true,
});
