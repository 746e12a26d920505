import { Feed, type FeedReader } from './feed.ts';
import { beginning, type EventLog } from './log.ts';
import type { Topic } from './outbox.ts';
import { createPause } from './pause.ts';
import type { Hint } from './place.ts';
import { Subscriber } from './subscriber.ts';
import { createTrouble, type EventsLog } from './trouble.ts';

/** The subscribers of this process and what feeds them. */
export interface Hub {
  /** Registers a subscriber, which is not live until it joins. */
  subscribe(about: { tenantId: string; topic: Topic }): Subscriber;
  /** Makes a subscriber live that has read up to its place; false when it must read on. */
  join(subscriber: Subscriber): boolean;
  /** Takes a hint; a wrong or late one does no harm. */
  readonly hint: (hint: Hint) => void;
  /** Looks for events of which no hint came. */
  readonly refresh: () => void;
  start(): void;
  /** Ends every subscriber. */
  stop(): Promise<void>;
  stats(): { tenants: number; subscribers: number };
}

export interface HubOptions {
  readonly log: EventLog;
  readonly logger: EventsLog;
  /** Told of every change that this process hears of, its own ones included: kept answers of these topics are stale. */
  readonly onHint?: (tenantId: string, topics: readonly string[]) => void;
  /** How often the heads of followed logs are looked at, in case hints are lost. Default 1,500. */
  readonly pollMs?: number;
}

export function createHub({ log, logger, onHint = () => {}, pollMs = 1500 }: HubOptions): Hub {
  const feeds = new Map<string, Feed>();
  const pause = createPause();
  const trouble = createTrouble(logger, 'reading events for subscribers');
  const reader: FeedReader = {
    log,
    onUnhinted: ({ tenantId, topics }) => onHint(tenantId, topics),
    onError: trouble.met,
  };
  let polling: Promise<void> | null = null;

  /** One statement for all tenants, however many are followed. */
  async function look(): Promise<void> {
    const followed = [...feeds.values()].filter((feed) => feed.cursor);
    if (followed.length === 0) return;
    try {
      const heads = await log.heads(followed.map(({ tenantId }) => tenantId));
      for (const feed of followed) feed.compare(heads.get(feed.tenantId) ?? beginning);
      trouble.over();
    } catch (error) {
      trouble.met(error);
    }
  }

  async function poll(): Promise<void> {
    while (!pause.ended) {
      await pause.unwoken(pollMs * (0.9 + Math.random() * 0.2));
      if (!pause.ended) await look();
    }
  }

  function leave(subscriber: Subscriber): void {
    const feed = feeds.get(subscriber.tenantId);
    feed?.remove(subscriber);
    if (feed?.size === 0) feeds.delete(subscriber.tenantId);
  }

  return {
    subscribe(about) {
      let feed = feeds.get(about.tenantId);
      if (!feed) feeds.set(about.tenantId, (feed = new Feed(about.tenantId, reader)));
      const subscriber = new Subscriber(about, leave);
      feed.add(subscriber);
      if (pause.ended) subscriber.end();
      return subscriber;
    },
    join: (subscriber) => feeds.get(subscriber.tenantId)?.join(subscriber) ?? false,
    hint({ tenantId, position, topics, carried }) {
      onHint(tenantId, topics);
      feeds.get(tenantId)?.hint(position, carried);
    },
    refresh: () => void look(),
    start() {
      polling ??= poll();
    },
    async stop() {
      pause.end();
      for (const feed of feeds.values()) for (const subscriber of feed.subscribers()) subscriber.end();
      await polling;
    },
    stats: () => ({
      tenants: feeds.size,
      subscribers: [...feeds.values()].reduce((sum, feed) => sum + feed.size, 0),
    }),
  };
}
