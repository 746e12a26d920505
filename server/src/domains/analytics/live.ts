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
import { dayTotals, type TotalsRow } from './repository.ts';
import { shareReads } from './shared-reads.ts';

export interface LivePace {
  /** Between two answers, however many orders arrive. */
  readonly pauseMs: number;
  /** How often a stream to which nothing happens looks whether the day is over. */
  readonly lookMs: number;
}
const retryMs = 500;

type Counters = (ctx: Context) => Promise<LiveCounters>;

/** Each item is read after the event whose id it bears, so whoever resumes behind it has missed nothing. */
export function live(
  follow: Follow,
  pace: LivePace = { pauseMs: 1000, lookMs: 20_000 },
): Handler<typeof contracts.analytics.live> {
  const share = shareReads<TotalsRow>();
  const counters: Counters = async ({ db, clock, principal }) => {
    const day = dayOf(clock.now(), principal.timeZone);
    const { revenue, orders, units, customers } = await share(`${db.tenantId}:${day}`, () => dayTotals(db, day));
    return {
      type: 'analytics.counters',
      day,
      revenue: moneyOf(revenue, principal.currency),
      orders,
      units: Number(units),
      customers,
    };
  };

  return async ({ input: { lastEventId }, ctx }) => {
    const events = follow(ctx, { topic: 'orders', lastEventId });
    try {
      const id = await events.started;
      const items = itemsFrom(ctx, events, { counters, pace, first: { id, data: await counters(ctx) } });
      return following(items, { started: events.started, end: () => void events.return() });
    } catch (error) {
      await events.return();
      throw error;
    }
  };
}

async function* itemsFrom(
  ctx: Context,
  events: ReturnType<Follow>,
  { counters, pace, first }: { counters: Counters; pace: LivePace; first: Tracked<LiveCounters> },
): AsyncGenerator<Tracked<LiveCounters>, void, undefined> {
  const changes = newestOf(events);
  let last = first;
  try {
    yield last;
    for (;;) {
      await Promise.race([sleep(pace.pauseMs, undefined, { ref: false }), changes.end]);
      await changes.changed(pace.lookMs);
      const event = changes.take();
      // The first item has told of that moment.
      if (event?.event.type === 'started') continue;
      if (!event && changes.ended) return;
      if (!event && last.data.day === dayOf(ctx.clock.now(), ctx.principal.timeZone)) continue;
      const data = await patiently(() => counters(ctx), changes);
      if (!data) continue;
      last = { id: event?.id ?? last.id, data };
      yield last;
    }
  } finally {
    await events.return();
  }
}

/** A stream outlives the database's absence. Null when it has ended meanwhile. */
async function patiently<T>(read: () => Promise<T>, until: { readonly ended: boolean }): Promise<T | null> {
  while (!until.ended) {
    try {
      return await read();
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      await sleep(retryMs, undefined, { ref: false });
    }
  }
  return null;
}
