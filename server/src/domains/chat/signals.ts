import type { contracts } from '@olympus/contracts';
import { following } from '../../events/following.ts';
import type { Handler } from '../../kernel/implement.ts';
import type { Presence } from './presence/presence.ts';
import { findChannel } from './repository.ts';

/** For which a typing signal holds, in milliseconds, unless it is given again. */
const typingMs = 6000;

export const presenceUpdates =
  (presence: Presence): Handler<typeof contracts.chat.presence> =>
  ({ input: { status = 'online' }, ctx: { principal, signal } }) => {
    // A program that acts for somebody does not make them be there.
    const { events, end } = presence.follow(principal, principal.apiKeyId === null ? status : null);
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
    return following(events, { started: Promise.resolve(''), end });
  };

export const signalTyping =
  (presence: Presence): Handler<typeof contracts.chat.signal> =>
  async ({ input: { channelId, typing }, ctx: { db, principal, clock }, fail }) => {
    const { tenantId, userId } = principal;
    if (!(await findChannel(db, channelId, userId))) return fail('CHANNEL_NOT_FOUND', { id: channelId });
    presence.signal({ tenantId, channelId, userId, until: typing ? clock.now().getTime() + typingMs : null });
    return null;
  };
