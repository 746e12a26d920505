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
  private queue: PlacedEvent[] = [];
  private wake: (() => void) | null = null;
  private readonly leave: (subscriber: Subscriber) => void;

  constructor(about: { tenantId: string; topic: Topic }, leave: (subscriber: Subscriber) => void) {
    this.tenantId = about.tenantId;
    this.topic = about.topic;
    this.leave = leave;
  }

  /** What has come since the last call, in order; waits for something. Empty when no longer live, or ended. */
  async next(): Promise<PlacedEvent[]> {
    if (this.queue.length === 0 && this.live && !this.ended) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    const events = this.queue;
    this.queue = [];
    return events;
  }

  /** What `work` resolves to; null at once when the subscriber ends before. */
  unlessEnded<T>(work: Promise<T>): Promise<T | null> {
    return new Promise((resolve, reject) => {
      this.wake = () => this.ended && resolve(null);
      this.wake();
      work.then(resolve, reject);
    });
  }

  push(event: PlacedEvent): void {
    if (!this.live || event.position <= this.place.position) return;
    if (this.queue.length >= queueLimit) {
      this.fallBehind(this.place);
      return;
    }
    this.queue.push(event);
    this.wake?.();
  }

  /** No longer live: what has been handed out stays so, what waits and comes after is read from the log. */
  fallBehind(cursor: Place): void {
    if (!this.live) return;
    const [first] = this.queue;
    if (first) this.place = { epoch: first.epoch, position: first.position - 1 };
    else if (cursor.position > this.place.position) this.place = cursor;
    this.queue = [];
    this.live = false;
    this.wake?.();
  }

  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.live = false;
    this.queue = [];
    this.leave(this);
    this.wake?.();
  }
}
