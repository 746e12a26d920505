import type { ChatEvent, contracts, Tracked } from '@olympus/contracts';
import { following } from '../../events/following.ts';
import { patiently, type Follow, type Following } from '../../events/subscription.ts';
import { itemOf } from '../../events/updates.ts';
import type { Context } from '../../kernel/context.ts';
import type { Handler } from '../../kernel/implement.ts';
import { channelIdsOf } from './repository.ts';

/** What happens in the caller's channels, each event only where they are a member at that time. */
export const chatUpdates =
  (follow: Follow): Handler<typeof contracts.chat.updates> =>
  async ({ input: { channelId, lastEventId }, ctx }) => {
    const events = follow(ctx, { topic: 'chat', lastEventId });
    try {
      await events.started;
      const audience = await createAudience(ctx);
      const wanted = (event: ChatEvent) =>
        channelId === undefined || !('channelId' in event) || event.channelId === channelId;
      const items = allowed(events, async (event) => (await audience(event)) && wanted(event));
      return following(items, { started: events.started, end: () => void events.return() });
    } catch (error) {
      await events.return();
      throw error;
    }
  };

async function* allowed(
  events: Following<ChatEvent>,
  isAllowed: (event: ChatEvent) => Promise<boolean>,
): AsyncGenerator<Tracked<ChatEvent>, void, undefined> {
  try {
    for await (const { id, event } of events) if (await isAllowed(event)) yield itemOf(id, event);
  } finally {
    await events.return();
  }
}

/**
 * Whether the caller may be told of an event. Their channels are read after the stream has begun, so nothing between is
 * missed; from then on the log itself says when they leave one. Whatever may have brought them into one is looked up
 * instead: a log that is read again tells of memberships that have ended since.
 */
async function createAudience({ db, principal, signal }: Context): Promise<(event: ChatEvent) => Promise<boolean>> {
  const { userId } = principal;
  const stream = {
    get ended() {
      return signal.aborted;
    },
  };
  const read = async () => (await patiently(stream, () => channelIdsOf(db, userId))) ?? new Set<string>();
  let mine = await read();
  return async (event) => {
    if (event.type === 'started') return true;
    const concernsMe = 'userIds' in event && event.userIds.includes(userId);
    if (event.type === 'reset' || (event.type === 'chat.members.added' && concernsMe)) mine = await read();
    if (event.type === 'reset') return true;
    if (event.type === 'chat.members.removed' && concernsMe) {
      mine.delete(event.channelId);
      return true;
    }
    return mine.has(event.channelId);
  };
}
