import type { Place } from './event-id.ts';
import { beginning, type PlacedEvent } from './log.ts';
import type { Topic } from './outbox.ts';

/** Events that may wait for a slow reader; above a page, so that no fast one ever fills it. */
export const queueLimit = 1000;

/**
 * One reader of a topic. While it is live, its feed hands it events; else it has to read the log from `place` on, at its
 * own speed, before it may join its feed (again).
 */
export class Subscriber {
  readonly tenantId: string;
  readonly topic: Topic;
  live = false;
  ended = false;
  /** Everything of the topic up to here was handed out, or came before the subscription. */
  place: Place = beginning;
  /** What waits, as it was handed out. */
  private queue: (readonly PlacedEvent[])[] = [];
  private queued = 0;
  private wake: (() => void) | null = null;
  /** Takes what comes while nothing waits, and tells whether it may come again; throws nothing. */
  private direct: ((events: readonly PlacedEvent[]) => boolean) | null = null;
  private readonly leave: (subscriber: Subscriber) => void;

  constructor(about: { tenantId: string; topic: Topic }, leave: (subscriber: Subscriber) => void) {
    this.tenantId = about.tenantId;
    this.topic = about.topic;
    this.leave = leave;
  }

  /**
   * What has come since the last call, in order; waits for something. Empty when no longer live, or ended. Subscribers
   * that keep up are given the same array, which none of them may change.
   */
  async next(): Promise<readonly PlacedEvent[]> {
    if (this.queue.length === 0 && this.live && !this.ended) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    const waiting = this.queue;
    this.clear();
    const [first] = waiting;
    return waiting.length === 1 && first ? first : waiting.flat();
  }

  /**
   * Hands what comes to `take` in the moment in which it comes, until no longer live, or ended; where `take` returns a
   * promise, only when that has resolved. Rejects with what `take` fails with.
   */
  async handTo(take: (events: readonly PlacedEvent[]) => Promise<void> | undefined): Promise<void> {
    while (this.live && !this.ended) {
      if (this.queue.length > 0) {
        await take(await this.next());
        continue;
      }
      // Resolves to what `take` waits for.
      await new Promise<void>((resolve, reject) => {
        this.wake = () => {
          this.direct = null;
          resolve();
        };
        this.direct = (events) => {
          try {
            const pace = take(events);
            if (pace) resolve(pace);
            return !pace;
          } catch (cause) {
            reject(cause);
            return false;
          }
        };
      });
    }
  }

  /** What `work` resolves to; null at once when the subscriber ends before. */
  unlessEnded<T>(work: Promise<T>): Promise<T | null> {
    return new Promise((resolve, reject) => {
      this.wake = () => this.ended && resolve(null);
      this.wake();
      work.then(resolve, reject);
    });
  }

  /** Takes events in order of position, at least one. */
  push(events: readonly PlacedEvent[]): void {
    if (!this.live) return;
    const { position } = this.place;
    const isNew = (events[0]?.position ?? 0) > position;
    const batch = isNew ? events : events.filter((event) => event.position > position);
    if (batch.length === 0) return;
    if (this.queued + batch.length > queueLimit) {
      this.fallBehind(this.place);
      return;
    }
    if (this.direct) {
      if (!this.direct(batch)) this.direct = null;
      return;
    }
    this.queue.push(batch);
    this.queued += batch.length;
    this.wake?.();
  }

  private clear(): void {
    this.queue = [];
    this.queued = 0;
  }

  /** No longer live: what has been handed out stays so, what waits and comes after is read from the log. */
  fallBehind(cursor: Place): void {
    if (!this.live) return;
    const first = this.queue[0]?.[0];
    if (first) this.place = { epoch: first.epoch, position: first.position - 1 };
    else if (cursor.position > this.place.position) this.place = cursor;
    this.clear();
    this.live = false;
    this.wake?.();
  }

  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.live = false;
    this.clear();
    this.leave(this);
    this.wake?.();
  }
}
