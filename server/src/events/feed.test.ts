import { expect, it, vi } from 'vitest';
import { Feed } from './feed.ts';
import type { EventLog, Page } from './log.ts';
import type { Carried, StoredEvent } from './place.ts';
import { Subscriber } from './subscriber.ts';

const tenantId = 't';
const stored = (position: number): StoredEvent => ({
  sequence: position * 10,
  position,
  topic: 'orders',
  type: 'orders.imported',
  version: 1,
  payload: { type: 'orders.imported', orders: position, lines: 0 },
});
const carried = (from: number, to: number, epoch = 'e'): Carried => ({
  epoch,
  events: Array.from({ length: to - from + 1 }, (_, index) => stored(from + index)),
});

/** A feed whose subscriber stands at position 5, over a log that ends at `head` and tells how often it was read. */
async function feedAt(head: number) {
  const read = vi.fn(async ({ after }: { after: number }): Promise<Page> => ({
    head: { epoch: 'e', position: head },
    oldest: 1,
    events: carried(after + 1, head).events.map((event) => ({
      ...event,
      epoch: 'e',
      id: 'from the log',
      payload: event.payload as never,
    })),
  }));
  const log: EventLog = { read, now: () => Promise.reject(new Error()), heads: () => Promise.reject(new Error()) };
  const feed = new Feed(tenantId, { log, onUnhinted: () => {}, onError: (error) => expect.unreachable(String(error)) });
  const subscriber = new Subscriber({ tenantId, topic: 'orders' }, () => {});
  subscriber.place = { epoch: 'e', position: 5 };
  feed.add(subscriber);
  expect(feed.join(subscriber)).toBe(true);
  const positions = async () => (await subscriber.next()).map(({ position }) => position);
  return { feed, read, positions };
}

it('hands out what a hint carries without reading the log, each event once', async () => {
  const { feed, read, positions } = await feedAt(9);
  feed.hint(7, carried(6, 7));
  expect(await positions()).toEqual([6, 7]);
  // What comes again, or overlaps, is cut.
  feed.hint(7, carried(6, 7));
  feed.hint(9, carried(7, 9));
  expect(await positions()).toEqual([8, 9]);
  expect(read).not.toHaveBeenCalled();
});

it('reads the log where a hint skips events, is of another log, or carries none', async () => {
  for (const [position, with_] of [
    [9, carried(8, 9)],
    [9, carried(6, 9, 'another')],
    [9, undefined],
  ] as const) {
    const { feed, read, positions } = await feedAt(9);
    feed.hint(position, with_);
    expect(await positions()).toEqual([6, 7, 8, 9]);
    expect(read).toHaveBeenCalledOnce();
    feed.hint(10, carried(10, 10));
    expect(await positions()).toEqual([10]);
  }
});

it('leaves what is carried while the log is read to the next read', async () => {
  const { feed, read, positions } = await feedAt(9);
  feed.hint(8);
  feed.hint(6, carried(6, 6));
  expect(await positions()).toEqual([6, 7, 8, 9]);
  feed.hint(10, carried(10, 10));
  await vi.waitFor(() => expect(read).toHaveBeenCalled(), 20_000);
});
