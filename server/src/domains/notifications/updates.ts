import type { contracts, EventPayload, NotificationEvent, NotificationKind, Tracked } from '@olympus/contracts';
import { following } from '../../events/following.ts';
import { patiently, type Follow } from '../../events/subscription.ts';
import { itemOf } from '../../events/updates.ts';
import type { Context } from '../../kernel/context.ts';
import type { Handler } from '../../kernel/implement.ts';
import { countUnread } from './repository.ts';

type Stored = EventPayload<'notifications.created' | 'notifications.read' | 'announcement.published'>;
type Created = Extract<Stored, { type: 'notifications.created' }>;

/** The caller's own, on whichever device they are read. How many are not read is told first, and with every change. */
export const notificationUpdates =
  (follow: Follow): Handler<typeof contracts.notifications.updates> =>
  async ({ input: { kind, lastEventId }, ctx }) => {
    const { userId } = ctx.principal;
    const filter = (event: Stored) => concerns(event, { userId, kind });
    const events = follow(ctx, { topic: 'notifications', lastEventId, filter });
    try {
      const id = await events.started;
      const items = itemsFrom(ctx, events, lastEventId ? id : null);
      return following(items, { started: events.started, end: () => void events.return() });
    } catch (error) {
      await events.return();
      throw error;
    }
  };

function concerns(event: Stored, { userId, kind }: { userId: string; kind: NotificationKind | undefined }): boolean {
  if (event.type === 'notifications.read') return event.userId === userId;
  if (event.type !== 'notifications.created' || (kind !== undefined && event.notice.kind !== kind)) return false;
  return recipientsOf(event).has(userId);
}

const known = new WeakMap<Created, ReadonlyMap<string, Created['recipients'][number]>>();
/** Looked at by every subscriber, and so put in order once. */
function recipientsOf(event: Created) {
  let recipients = known.get(event);
  if (!recipients) known.set(event, (recipients = new Map(event.recipients.map((one) => [one.userId, one]))));
  return recipients;
}

/** `resumedAt`: where a stream goes on that begins with no marker. */
async function* itemsFrom(
  { db, principal, signal }: Context,
  events: ReturnType<Follow<'notifications'>>,
  resumedAt: string | null,
): AsyncGenerator<Tracked<NotificationEvent>, void, undefined> {
  const { userId } = principal;
  const stream = {
    get ended() {
      return signal.aborted;
    },
  };
  const unreadAt = async (id: string): Promise<Tracked<NotificationEvent>> => {
    const unread = (await patiently(stream, () => countUnread(db, userId))) ?? 0;
    return { id, data: { type: 'notifications.unread', unread } };
  };
  try {
    if (resumedAt !== null) yield await unreadAt(resumedAt);
    for await (const { id, event } of events) {
      if (event.type === 'started' || event.type === 'reset') {
        // Looked up before, so that a poll is answered with both: what came later would wait for the next event.
        const unread = await unreadAt(id);
        yield itemOf(id, event);
        yield unread;
      } else yield { id, data: shown(event, userId) };
    }
  } finally {
    await events.return();
  }
}

/** What the log holds for many, as the one sees it. */
function shown(event: Stored, userId: string): NotificationEvent {
  if (event.type === 'notifications.read') {
    const { type, ids, readThrough, unread } = event;
    return { type, ids, readThrough, unread };
  }
  const own = event.type === 'notifications.created' ? recipientsOf(event).get(userId) : undefined;
  if (event.type !== 'notifications.created' || !own) throw new Error('an event passed the filter that is not theirs');
  const { id, sequence, unread } = own;
  return { type: 'notification.created', notification: { id, sequence, ...event.notice, readAt: null }, unread };
}
