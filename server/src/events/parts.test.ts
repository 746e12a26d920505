import { eventSchemas, type EventPayload } from '@olympus/contracts';
import { describe, expect, it } from 'vitest';
import { decodeEventId, encodeEventId } from './event-id.ts';
import { Feed } from './feed.ts';
import { gapBetween, type EventLog } from './log.ts';
import { createPause } from './pause.ts';
import { revive } from './revive.ts';
import { queueLimit, Subscriber } from './subscriber.ts';
import { orderEvent } from './testing/installation.ts';

describe('event ids', () => {
  it('come back as they were', () => {
    for (const place of [
      { epoch: '', position: 0 },
      { epoch: 'a1b2', position: 1 },
      { epoch: 'f'.repeat(16), position: 999_999_999_999 },
    ])
      expect(decodeEventId(encodeEventId(place))).toEqual(place);
    expect(encodeEventId({ epoch: 'f'.repeat(16), position: 1e14 }).length).toBeLessThan(100);
  });

  it('are told from anything else', () => {
    const encode = (text: string) => Buffer.from(text).toString('base64url');
    for (const id of [
      '',
      '1',
      'abc',
      '../../etc',
      '🙂',
      'a'.repeat(10_000),
      ...['a', 'a.', 'a.-1', 'a.1.2', 'a.01', 'a.1e9', 'é.1', `a.${'9'.repeat(40)}`].map(encode),
    ])
      expect(decodeEventId(id), id).toBeNull();
  });
});

describe('stored payloads', () => {
  const stored = (payload: EventPayload): unknown => JSON.parse(JSON.stringify(payload));

  it('get their dates back, wherever the schema has them', () => {
    const order = orderEvent('dates');
    expect(revive('order.created', 1, stored(order))).toEqual(order);
    expect(eventSchemas['order.created'].payload.parse(revive('order.created', 1, stored(order)))).toEqual(order);
    const product: EventPayload = {
      type: 'product.updated',
      productId: order.orderId,
      product: {
        id: order.orderId,
        sku: 'A',
        name: '2020-01-01T00:00:00.000Z',
        description: null,
        price: order.order.total,
        stock: null,
        lowStockAt: null,
        active: true,
        image: null,
        imageUrl: null,
        createdAt: order.order.createdAt,
        updatedAt: order.order.createdAt,
        version: 3,
      },
    };
    expect(revive('product.updated', 1, stored(product))).toEqual(product);
    expect(revive('orders.imported', 1, { type: 'orders.imported', orders: 1, lines: 2 })).toEqual({
      type: 'orders.imported',
      orders: 1,
      lines: 2,
    });
  });

  it('have null where a field is newer than they are', () => {
    const { order, orderId } = orderEvent('old');
    const { country: _, ...older } = order;
    expect(revive('order.updated', 1, stored({ type: 'order.updated', orderId, order: older } as never))).toEqual({
      type: 'order.updated',
      orderId,
      order: { ...older, country: null },
      previousStatus: null,
    });
  });

  it('of a version or a type that is not known are told', () => {
    expect(revive('order.created', 2, {})).toBeNull();
    expect(revive('order.vanished', 1, {})).toBeNull();
    expect(revive('constructor', 1, {})).toBeNull();
  });
});

describe('a gap', () => {
  const page = { head: { epoch: 'now', position: 9 }, oldest: 4, events: [] };

  it('is none while the next event is there', () => {
    for (const position of [3, 5, 9]) expect(gapBetween({ epoch: 'now', position }, page)).toBeNull();
    expect(gapBetween({ epoch: '', position: 0 }, { ...page, oldest: 1 })).toBeNull();
    // Nothing is kept, and nothing has been missed.
    expect(gapBetween({ epoch: 'now', position: 9 }, { ...page, oldest: 10 })).toBeNull();
    expect(
      gapBetween({ epoch: '', position: 0 }, { head: { epoch: '', position: 0 }, oldest: 1, events: [] }),
    ).toBeNull();
  });

  it('is found whatever the reason', () => {
    expect(gapBetween({ epoch: 'then', position: 5 }, page)).toMatch(/another log/);
    expect(gapBetween({ epoch: 'now', position: 10 }, page)).toMatch(/ahead/);
    expect(gapBetween({ epoch: 'now', position: 2 }, page)).toMatch(/no longer kept/);
    expect(gapBetween({ epoch: '', position: 0 }, page)).toMatch(/no longer kept/);
  });
});

describe('a pause', () => {
  it('ends when woken, also before it began, and once for each', async () => {
    const pause = createPause();
    pause.wake();
    await pause.until(60_000);
    const waiting = pause.until(60_000);
    setTimeout(pause.wake, 10);
    await waiting;
    const start = performance.now();
    await pause.until(50);
    expect(performance.now() - start).toBeGreaterThan(40);
  });

  it('that may not be woken ends at the end', async () => {
    const pause = createPause();
    const waiting = pause.unwoken(60_000);
    pause.wake();
    expect(
      await Promise.race([waiting.then(() => 'over'), new Promise((resolve) => setTimeout(resolve, 20, 'waits'))]),
    ).toBe('waits');
    pause.end();
    await waiting;
    await pause.until(60_000);
  });
});

describe('a subscriber', () => {
  const event = (position: number) => ({
    epoch: 'e',
    position,
    id: '',
    sequence: position,
    topic: 'orders',
    payload: null,
  });

  it('that does not read holds a bounded number of events, and knows where to read on', async () => {
    const subscriber = new Subscriber({ tenantId: 't', topic: 'orders' }, () => {});
    subscriber.place = { epoch: 'e', position: 100 };
    subscriber.live = true;
    for (let position = 90; position <= 105; position++) subscriber.push([event(position)]);
    expect((await subscriber.next()).map(({ position }) => position)).toEqual([101, 102, 103, 104, 105]);
    // Events of other topics lie between.
    for (let n = 1; n <= queueLimit + 50; n++) subscriber.push([event(200 + n)]);
    expect(subscriber.live).toBe(false);
    expect(subscriber.place).toEqual({ epoch: 'e', position: 200 });
    expect(await subscriber.next()).toEqual([]);
  });

  it('that keeps up is given what all are given, less what it has seen', async () => {
    const subscriber = new Subscriber({ tenantId: 't', topic: 'orders' }, () => {});
    subscriber.place = { epoch: 'e', position: 2 };
    subscriber.live = true;
    const [old, half, all] = [
      [event(1), event(2)],
      [event(2), event(3)],
      [event(4), event(5)],
    ];
    subscriber.push(old);
    subscriber.push(half);
    expect(await subscriber.next()).toEqual([event(3)]);
    subscriber.push(all);
    expect(await subscriber.next()).toBe(all);
  });

  const standing = () => {
    const subscriber = new Subscriber({ tenantId: 't', topic: 'orders' }, () => {});
    subscriber.place = { epoch: 'e', position: 0 };
    subscriber.live = true;
    return subscriber;
  };

  it('hands on in the moment in which something comes, and waits where its reader does', async () => {
    const subscriber = standing();
    subscriber.push([event(1)]);
    const taken: number[][] = [];
    let release: (() => void) | undefined;
    const handing = subscriber.handTo((events) => {
      taken.push(events.map(({ position }) => position));
      return events.some(({ position }) => position === 3) ? new Promise((resolve) => (release = resolve)) : undefined;
    });
    await Promise.resolve();
    expect(taken).toEqual([[1]]);
    await new Promise((resolve) => setImmediate(resolve));
    subscriber.push([event(2)]);
    expect(taken).toEqual([[1], [2]]);
    for (const position of [3, 4, 5]) subscriber.push([event(position)]);
    expect(taken).toEqual([[1], [2], [3]]);
    release?.();
    await new Promise((resolve) => setImmediate(resolve));
    expect(taken).toEqual([[1], [2], [3], [4, 5]]);
    subscriber.push([event(6)]);
    expect(taken.at(-1)).toEqual([6]);
    subscriber.end();
    await handing;
    subscriber.push([event(7)]);
    expect(taken.at(-1)).toEqual([6]);
  });

  it('whose reader fails keeps that from those who hand over', async () => {
    const subscriber = standing();
    const handing = subscriber.handTo(() => {
      throw new Error('cannot be written');
    });
    setImmediate(() => subscriber.push([event(1)]));
    await expect(handing).rejects.toThrow('cannot be written');
  });

  it('stops handing on where it stands when it falls behind while its reader waits', async () => {
    const subscriber = standing();
    let release: (() => void) | undefined;
    const handing = subscriber.handTo(() => new Promise((resolve) => (release = resolve)));
    for (let n = 1; n <= queueLimit + 2; n++) subscriber.push([event(n)]);
    expect(subscriber.live).toBe(false);
    expect(subscriber.place).toEqual({ epoch: 'e', position: 1 });
    release?.();
    await handing;
  });
});

describe('a feed', () => {
  it('serves thousands without keeping the process from others, each event once', async () => {
    const at = (position: number) => ({ epoch: 'e', position });
    const event = (position: number) => ({
      ...at(position),
      id: '',
      sequence: position,
      topic: 'orders',
      payload: null,
    });
    let head = 1;
    const read: EventLog['read'] = ({ after }) =>
      Promise.resolve({
        head: at(head),
        oldest: 1,
        events: Array.from({ length: head - after }, (_, index) => event(after + index + 1)),
      });
    const feed = new Feed('t', {
      log: { read } as EventLog,
      onUnhinted: () => {},
      onError: (error) => expect.fail(String(error)),
    });
    const follow = () => {
      const subscriber = new Subscriber({ tenantId: 't', topic: 'orders' }, (gone) => feed.remove(gone));
      subscriber.place = at(1);
      feed.add(subscriber);
      return subscriber;
    };
    const subscribers = Array.from({ length: 2000 }, follow);
    for (const subscriber of subscribers) expect(feed.join(subscriber)).toBe(true);
    let turns = 0;
    let finished = false;
    const count = (): unknown => finished || (++turns, setImmediate(count));
    head = 3;
    feed.hint(3);
    setImmediate(count);
    const late = follow();
    const given = subscribers.map(async (subscriber) => (await subscriber.next()).map(({ position }) => position));
    expect(await given[0]).toEqual([2, 3]);
    // One that stands where it stood must read on by itself; one that has read all may join, and is told nothing twice.
    expect(feed.join(late)).toBe(false);
    late.place = at(3);
    expect(feed.join(late)).toBe(true);
    for (const each of await Promise.all(given)) expect(each).toEqual([2, 3]);
    finished = true;
    expect(turns).toBeGreaterThan(5);
    head = 4;
    feed.hint(4);
    expect((await late.next()).map(({ position }) => position)).toEqual([4]);
  });
});
