import type { Place } from './event-id.ts';
import { gapBetween, pageSize, type EventLog, type Page } from './log.ts';
import type { Hint } from './place.ts';
import type { Subscriber } from './subscriber.ts';

export interface FeedReader {
  readonly log: EventLog;
  /** Events were read of which no hint told. */
  readonly onUnhinted: (hint: Hint) => void;
  readonly onError: (error: unknown) => void;
}

/** Reads the log of one tenant once for all its subscribers in this process. */
export class Feed {
  readonly tenantId: string;
  /** Everything up to here was handed to the live subscribers; null until the first of them says where it stands. */
  cursor: Place | null = null;
  private readonly reader: FeedReader;
  private readonly topics = new Map<string, Set<Subscriber>>();
  private hinted = 0;
  private reading = false;
  private again = false;

  constructor(tenantId: string, reader: FeedReader) {
    this.tenantId = tenantId;
    this.reader = reader;
  }

  get size(): number {
    let size = 0;
    for (const subscribers of this.topics.values()) size += subscribers.size;
    return size;
  }

  add(subscriber: Subscriber): void {
    let subscribers = this.topics.get(subscriber.topic);
    if (!subscribers) this.topics.set(subscriber.topic, (subscribers = new Set()));
    subscribers.add(subscriber);
  }

  remove(subscriber: Subscriber): void {
    this.topics.get(subscriber.topic)?.delete(subscriber);
  }

  *subscribers(): Generator<Subscriber> {
    for (const subscribers of this.topics.values()) yield* subscribers;
  }

  /** Makes a subscriber live that has read up to its place; false when the others are further, so that it must read on. */
  join(subscriber: Subscriber): boolean {
    const { place } = subscriber;
    this.cursor ??= place;
    if (place.position >= this.cursor.position) {
      subscriber.live = true;
      if (this.hinted > this.cursor.position) this.refresh();
      return true;
    }
    // Where an older log has come in the place of this one, the feed is wrong, and finds out now.
    this.refresh();
    return false;
  }

  hint(position: number): void {
    this.hinted = Math.max(this.hinted, position);
    if (this.cursor && position > this.cursor.position) this.refresh();
  }

  /** Reads on unless `head` is where the feed stands. */
  compare(head: Place): void {
    if (this.cursor && (head.position !== this.cursor.position || head.epoch !== this.cursor.epoch)) this.refresh();
  }

  /** Reads what is new, now or after the read that is under way. */
  private refresh(): void {
    this.again = true;
    if (this.reading) return;
    this.reading = true;
    void this.read()
      .catch(this.reader.onError)
      .finally(() => {
        this.reading = false;
      });
  }

  private async read(): Promise<void> {
    while (this.again && this.cursor && this.size > 0) {
      this.again = false;
      const page = await this.reader.log.read({ tenantId: this.tenantId, after: this.cursor.position });
      if (gapBetween(this.cursor, page)) this.startOver(page.head);
      else this.handOut(page);
    }
  }

  private handOut({ events, head }: Page): void {
    const unhinted = new Set<string>();
    for (const event of events) {
      for (const subscriber of this.topics.get(event.topic) ?? []) subscriber.push(event);
      if (event.position > this.hinted) unhinted.add(event.topic);
    }
    const last = events[pageSize - 1];
    if (last) this.again = true;
    this.cursor = last ? { epoch: last.epoch, position: last.position } : head;
    const { tenantId } = this;
    if (unhinted.size > 0) this.reader.onUnhinted({ tenantId, position: this.cursor.position, topics: [...unhinted] });
  }

  /** Every subscriber finds out by itself what it has missed. */
  private startOver(head: Place): void {
    for (const subscriber of this.subscribers()) if (this.cursor) subscriber.fallBehind(this.cursor);
    this.hinted = 0;
    this.cursor = head;
  }
}
