import type { EventName, EventPayload } from '@olympus/contracts';
import type { Db, InTransaction } from '@olympus/database';

/** What one group does with events. Registered in the composition root; its name keys its offsets and must not change. */
export interface Consumer {
  /** Lower case and digits with dashes, such as `webhooks`. */
  readonly name: string;
  /** The events that it is given; others are passed over. */
  readonly types: readonly EventName[];
  /**
   * Handles one event. It may come again after a crash, and again when this rejects, so effects belong into
   * `delivery.once` or must not mind. Events of one subject come one after the other, in the order of their commits.
   */
  handle(event: ConsumedEvent, delivery: Delivery): Promise<void>;
  readonly retry?: Partial<RetryPolicy>;
  /**
   * Whether this process can handle events now; absent: always. While it cannot, others serve its share, and events wait in
   * the log where nobody can.
   */
  readonly ready?: () => boolean;
  /** Events that are handled at once in one process. Default 16. */
  readonly concurrency?: number;
  /** After which an attempt counts as failed, and `delivery.signal` ends. Default 10,000. */
  readonly timeoutMs?: number;
}

export interface RetryPolicy {
  /** After so many the event is a dead letter. Default 8. */
  readonly attempts: number;
  /** Before the second attempt; twice as long before each further one. Default 1,000. */
  readonly firstMs: number;
  /** Longest wait. Default 3,600,000. */
  readonly maxMs: number;
}

/** A placed event as a consumer gets it. */
export interface ConsumedEvent {
  /** The same at every attempt, in every replay and on every stream. */
  readonly id: string;
  readonly tenantId: string;
  readonly type: EventName;
  readonly subjectId: string | null;
  readonly payload: EventPayload;
  /** The call that caused it. */
  readonly requestId: string | null;
  readonly occurredAt: Date;
}

export interface Delivery {
  /** From 1. */
  readonly attempt: number;
  /** The replay that it comes by; null for the live log. */
  readonly replayId: string | null;
  /** Ends when the attempt has taken too long, or this process may not go on. */
  readonly signal: AbortSignal;
  /**
   * Runs `work` in a transaction of the tenant that is committed at most once for this event, and for it in each replay.
   * Resolves to whether it ran; false where an earlier delivery has committed already.
   */
  readonly once: (work: (db: InTransaction<Db>) => Promise<void>) => Promise<boolean>;
}

/** Thrown by a handler that cannot do its work at the moment, through no fault of the event: no attempt is counted. */
export class NotNow extends Error {
  override readonly name = 'NotNow';
}

const defaults: RetryPolicy = { attempts: 8, firstMs: 1000, maxMs: 3_600_000 };
export const retryOf = ({ retry = {} }: Consumer): RetryPolicy => ({ ...defaults, ...retry });

/** Milliseconds until the next attempt: doubled each time, of which the second half is left to chance. */
export function waitAfter(attempts: number, { firstMs, maxMs }: RetryPolicy, random: () => number): number {
  const full = Math.min(firstMs * 2 ** Math.min(attempts - 1, 40), maxMs);
  return Math.round(full * (0.5 + random() / 2));
}

/** The lane of the log itself; replays have lanes of their own, named by their ids. */
export const live = 'live';

/** Tells a consumer that it asked for something that cannot work. */
const named = /^[a-z][a-z0-9-]{0,49}$/;
export function checkConsumers(consumers: readonly Consumer[]): void {
  const names = new Set<string>();
  for (const { name, types } of consumers) {
    if (!named.test(name)) throw new TypeError(`a consumer cannot be named ${name}`);
    if (names.has(name)) throw new TypeError(`there are two consumers named ${name}`);
    if (types.length === 0) throw new TypeError(`the consumer ${name} takes no type of event`);
    names.add(name);
  }
}
