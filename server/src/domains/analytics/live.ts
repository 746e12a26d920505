import type { contracts, LiveCounters, Tracked } from '@olympus/contracts';
import { isUnavailable } from '@olympus/database';
import { setTimeout as sleep } from 'node:timers/promises';
import { following } from '../../events/following.ts';
import type { Follow } from '../../events/subscription.ts';
import type { Context } from '../../kernel/context.ts';
import type { Handler } from '../../kernel/implement.ts';
import { moneyOf } from '../money.ts';
import { newestOf } from './newest.ts';
import { dayOf } from './range.ts';
import { dayTotals } from './repository.ts';

/** Between two answers, however many orders arrive. */
const pauseMs = 1000;

/** Each item is read after the event whose id it bears, so whoever resumes behind it has missed nothing. */
export const live =
  (follow: Follow): Handler<typeof contracts.analytics.live> =>
  async ({ input: { lastEventId }, ctx }) => {
    const events = follow(ctx, { topic: 'orders', lastEventId });
    try {
      const id = await events.started;
      const first = { id, data: await countersOf(ctx) };
      return following(countersFrom(ctx, events, first), {
        started: Promise.resolve(id),
        end: () => void events.return(),
      });
    } catch (error) {
      await events.return();
      throw error;
    }
  };

async function* countersFrom(
  ctx: Context,
  events: ReturnType<Follow>,
  first: Tracked<LiveCounters>,
): AsyncGenerator<Tracked<LiveCounters>, void, undefined> {
  const changes = newestOf(events);
  try {
    yield first;
    for (;;) {
      await Promise.race([sleep(pauseMs), changes.end]);
      await changes.changed();
      const event = changes.take();
      if (!event) return;
      const data = await patiently(() => countersOf(ctx), changes);
      if (!data) return;
      yield { id: event.id, data };
    }
  } finally {
    await events.return();
  }
}

async function countersOf({ db, clock, principal }: Context): Promise<LiveCounters> {
  const day = dayOf(clock.now(), principal.timeZone);
  const { revenue, orders, units, customers } = await dayTotals(db, day);
  return {
    type: 'analytics.counters',
    day,
    revenue: moneyOf(revenue, principal.currency),
    orders,
    units: Number(units),
    customers,
  };
}

/** A stream outlives the database's absence. */
async function patiently<T>(read: () => Promise<T>, until: { readonly ended: boolean }): Promise<T | null> {
  while (!until.ended) {
    try {
      return await read();
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      await sleep(pauseMs, undefined, { ref: false });
    }
  }
  return null;
}
