import type { Database } from '@olympus/database';
import type { Clock } from '../platform/clock.ts';
import type { Ids } from '../platform/ids.ts';
import type { RedisChannels } from './bus.ts';
import { createHints } from './hints.ts';
import { createHub, type Hub } from './hub.ts';
import { createEventLog } from './log.ts';
import { createRelay, type Relay } from './relay.ts';
import { createFollow, type Follow } from './subscription.ts';
import type { EventsLog } from './trouble.ts';

export interface EventsOptions {
  readonly database: Database;
  readonly redis: RedisChannels | null;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: EventsLog;
  /** Kept answers of these topics are stale in this process. */
  readonly onHint: (tenantId: string, topics: readonly string[]) => void;
  /** Name of the channel on which processes hear of each other's events. Default: `olympus_events`. */
  readonly channel?: string;
}

/** Live events of one process: what places them, carries the word of them, and hands them out. */
export interface Events {
  readonly follow: Follow;
  readonly relay: Relay;
  readonly hub: Hub;
  start(): void;
  /** Ends subscriptions and leaves the lead of the relay to another process. */
  stop(): Promise<void>;
}

export function createEvents({ database, redis, clock, ids, log, onHint, channel }: EventsOptions): Events {
  const eventLog = createEventLog(database);
  const hub = createHub({ log: eventLog, logger: log, onHint });
  const hints = createHints({ database, redis, ids, log, ...(channel === undefined ? {} : { channel }) });
  const relay = createRelay({ database, clock, ids, log, onPlaced: hints.publish, carry: true });
  return {
    follow: createFollow({ hub, log: eventLog, clock }),
    relay,
    hub,
    start() {
      hints.start(hub.hint, hub.refresh);
      hub.start();
      relay.start();
    },
    async stop() {
      await Promise.all([relay.stop(), hub.stop()]);
      await hints.stop();
    },
  };
}
