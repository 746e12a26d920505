import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { Place } from './event-id.ts';
import { gapBetween, pageSize, placed, type EventLog, type Page, type PlacedEvent } from './log.ts';
import type { Carried, Hint } from './place.ts';
import type { Subscriber } from './subscriber.ts';

export interface FeedReader {
  readonly log: EventLog;
  /** Events were read of which no hint told. */
  readonly onUnhinted: (hint: Hint) => void;
  readonly onError: (error: unknown) => void;
}

/** Subscribers that are served in one turn of the event loop: other calls are not to wait for ten thousand. */
const perTurn = 50;

/** A feed that has served many rests for as long as that took, at most this: what comes meanwhile goes out together. */
const longestRestMs = 15;

/** Reads the log of one tenant once for all its subscribers in this process. */
export class Feed {
  readonly tenantId: string;
  /** Everything up to here was handed to the live subscribers; null until the first of them says where it stands. */
  cursor: Place | null = null;
  private readonly reader: FeedReader;
  private readonly topics = new Map<string, Set<Subscriber>>();
  private hinted = 0;
  private working = false;
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

  hint(position: number, carried?: Carried): void {
    this.hinted = Math.max(this.hinted, position);
    if (!this.cursor || position <= this.cursor.position) return;
    const page = carried && !this.working ? pageAfter(this.cursor, carried) : null;
    if (page) this.work(page);
    else this.refresh();
  }

  /** Reads on unless `head` is where the feed stands. */
  compare(head: Place): void {
    if (this.cursor && (head.position !== this.cursor.position || head.epoch !== this.cursor.epoch)) this.refresh();
  }

  /** Reads what is new, now or after what is being handed out. */
  private refresh(): void {
    this.again = true;
    if (!this.working) this.work(null);
  }

  /** One page after the other, whether carried or read: no event overtakes another. */
  private work(carried: Page | null): void {
    this.working = true;
    void this.follow(carried).catch(this.reader.onError);
  }

  private async follow(carried: Page | null): Promise<void> {
    try {
      if (carried) await this.handOut(carried);
      while (this.again && this.cursor && this.size > 0) {
        this.again = false;
        const page = await this.reader.log.read({ tenantId: this.tenantId, after: this.cursor.position });
        if (gapBetween(this.cursor, page)) this.startOver(page.head);
        else await this.handOut(page);
      }
    } finally {
      this.working = false;
    }
  }

  private async handOut({ events, head }: Page): Promise<void> {
    const unhinted = new Set<string>();
    const batches = new Map<string, PlacedEvent[]>();
    for (const event of events) {
      const batch = batches.get(event.topic);
      if (batch) batch.push(event);
      else batches.set(event.topic, [event]);
      if (event.position > this.hinted) unhinted.add(event.topic);
    }
    const last = events[pageSize - 1];
    if (last) this.again = true;
    // Before anything is handed out: who joins meanwhile has read all of it, and takes no notice.
    this.cursor = last ? { epoch: last.epoch, position: last.position } : head;
    const { tenantId } = this;
    if (unhinted.size > 0) this.reader.onUnhinted({ tenantId, position: this.cursor.position, topics: [...unhinted] });
    const start = performance.now();
    let handed = 0;
    for (const [topic, batch] of batches)
      for (const subscriber of this.topics.get(topic) ?? []) {
        subscriber.push(batch);
        if (++handed % perTurn === 0) await nextTurn();
      }
    if (handed >= perTurn) await sleep(Math.min(performance.now() - start, longestRestMs), undefined, { ref: false });
  }

  /** Every subscriber finds out by itself what it has missed. */
  private startOver(head: Place): void {
    for (const subscriber of this.subscribers()) if (this.cursor) subscriber.fallBehind(this.cursor);
    this.hinted = 0;
    this.cursor = head;
  }
}

/** What was carried of a log as a page of it; null where it does not go on from `cursor`, so that the log has to be read. */
function pageAfter(cursor: Place, { epoch, events }: Carried): Page | null {
  const [first] = events;
  const last = events.at(-1);
  if (!first || !last || epoch !== cursor.epoch || first.position > cursor.position + 1) return null;
  const fresh = events.filter(({ position }) => position > cursor.position);
  if (fresh.length >= pageSize) return null;
  return {
    head: { epoch, position: last.position },
    oldest: first.position,
    events: fresh.map((event) => placed({ epoch, position: event.position }, event)),
  };
}
