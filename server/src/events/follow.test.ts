import { sql } from '@olympus/database';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeEventId } from './event-id.ts';
import { queueLimit } from './subscriber.ts';
import {
  contextOf,
  imported,
  kinds,
  newTenant,
  orderEvent,
  startReplica,
  take,
  textOf,
  until,
  write,
  type Installation,
  type Replica,
} from './testing/installation.ts';

const texts = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => String(from + index));

describe.each(kinds)('following events on %s', (_, install) => {
  let installation: Installation;
  let replica: Replica;
  beforeAll(async () => {
    installation = await install();
    replica = startReplica(installation.database);
  });
  afterAll(async () => {
    await replica.close();
    await installation.remove();
  });
  const say = async (tenant: string, from: number, to = from) => {
    for (let n = from; n <= to; n++) await write(installation.database, tenant, imported(n));
  };
  /** Written by one statement, so that they are placed together. */
  const sayAtOnce = (tenant: string, from: number, to: number) =>
    installation.database.transaction(tenant, (db) =>
      db.rows(sql`
        insert into events (tenant_id, topic, type, version, payload, created_at)
        select ${tenant}::uuid, 'orders', 'orders.imported', 1,
               jsonb_build_object('type', 'orders.imported', 'orders', n, 'lines', 0), now()
        from generate_series(${from}::int, ${to}::int) n order by n`),
    );
  const headOf = async (tenant: string) =>
    Number(
      (
        await installation.database.systemDb.rows<{ position: string }>(
          sql`select position from event_heads where tenant_id = ${tenant}::uuid`,
        )
      )[0]?.position ?? 0,
    );
  const placed = (tenant: string, count: number) => until(async () => (await headOf(tenant)) === count);
  const follow = (tenant: string, lastEventId?: string) =>
    replica.follow(contextOf(tenant), { topic: 'orders', lastEventId });

  it('begins with what commits after it has started, and with nothing before', async () => {
    for (let round = 0; round < 10; round++) {
      const tenant = newTenant();
      // Committed, and most likely not placed yet.
      await say(tenant, 1, 3);
      const events = follow(tenant);
      await events.started;
      await say(tenant, 4, 5);
      expect((await take(events, 2)).map(textOf)).toEqual(['4', '5']);
      await events.return();
    }
  });

  it('can be resumed by who was cut off before the first event', async () => {
    const tenant = newTenant();
    for (const head of [0, 1]) {
      const events = follow(tenant);
      const { value: first } = await events.next();
      expect(first).toEqual({ id: await events.started, event: { type: 'started' } });
      await events.return();
      await say(tenant, head + 1);
      await placed(tenant, head + 1);
      const resumed = follow(tenant, await events.started);
      expect(textOf((await resumed.next()).value as never)).toBe(String(head + 1));
      await resumed.return();
    }
  });

  it('delivers each event once and in order, to each of many, with its dates', async () => {
    const tenant = newTenant();
    const streams = Array.from({ length: 30 }, () => follow(tenant));
    await Promise.all(streams.map(({ started }) => started));
    const order = orderEvent('0');
    await write(installation.database, tenant, order);
    await Promise.all(Array.from({ length: 20 }, (_, n) => say(tenant, n + 1)));
    const all = await Promise.all(streams.map((stream) => take(stream, 21)));
    expect(all[0]?.[0]?.event).toEqual(order);
    expect(new Set(all[0]?.map(textOf))).toEqual(new Set(texts(0, 20)));
    for (const items of all) expect(items).toEqual(all[0]);
    expect(replica.hub.stats()).toEqual({ tenants: 1, subscribers: 30 });
    await Promise.all(streams.map((stream) => stream.return()));
    expect(replica.hub.stats()).toEqual({ tenants: 0, subscribers: 0 });
  });

  it('resumes from every id without a gap and without a repetition', async () => {
    const tenant = newTenant();
    const first = follow(tenant);
    await first.started;
    await say(tenant, 1, 8);
    const items = await take(first, 8);
    for (const [index, { id }] of items.entries()) {
      const resumed = follow(tenant, id);
      // New ones come while the old ones are read.
      const more = 9 + index;
      const [rest] = await Promise.all([take(resumed, 8), say(tenant, more)]);
      expect(rest.map(textOf)).toEqual(texts(index + 2, more));
      await resumed.return();
    }
    await first.return();
  });

  it('replays more than a page, then goes on live', async () => {
    const tenant = newTenant();
    const first = follow(tenant);
    await first.started;
    await say(tenant, 1);
    const [{ id } = { id: '' }] = await take(first, 1);
    await first.return();
    await sayAtOnce(tenant, 2, 500);
    const resumed = follow(tenant, id);
    expect((await take(resumed, 499)).map(textOf)).toEqual(texts(2, 500));
    await say(tenant, 501);
    expect((await take(resumed, 1)).map(textOf)).toEqual(['501']);
    await resumed.return();
  });

  it('keeps topics, tenants and filters apart', async () => {
    const [tenant, other] = [newTenant(), newTenant()];
    const mine = follow(tenant);
    const products = replica.follow(contextOf(tenant), { topic: 'products' });
    const even = replica.follow(contextOf(tenant), {
      topic: 'orders',
      filter: (event) => event.type === 'orders.imported' && event.orders % 2 === 0,
    });
    await Promise.all([mine.started, products.started, even.started]);
    await say(other, 100);
    await say(tenant, 1);
    await write(installation.database, tenant, { type: 'products.imported', products: 7 });
    await say(tenant, 2, 4);
    expect((await take(mine, 4)).map(textOf)).toEqual(texts(1, 4));
    expect((await take(even, 2)).map(textOf)).toEqual(['2', '4']);
    expect((await take(products, 1)).map(({ event }) => event)).toEqual([{ type: 'products.imported', products: 7 }]);
    await Promise.all([mine, products, even].map((stream) => stream.return()));
  });

  it('says reset where events can no longer be had, then goes on', async () => {
    const tenant = newTenant();
    const first = follow(tenant);
    await first.started;
    await say(tenant, 1, 6);
    const items = await take(first, 6);
    await first.return();
    const [epoch] = await installation.database.systemDb.rows<{ epoch: string }>(
      sql`select epoch from event_heads where tenant_id = ${tenant}::uuid`,
    );
    await installation.database.systemDb.rows(sql`update event_heads set oldest = 4 where tenant_id = ${tenant}::uuid`);
    const ids: [id: string, reason: RegExp][] = [
      ['no id at all', /not one of ours/],
      [encodeEventId({ epoch: 'another', position: 2 }), /another log/],
      [encodeEventId({ epoch: epoch?.epoch ?? '', position: 99 }), /ahead/],
      [items[1]?.id ?? '', /no longer kept/],
    ];
    let next = 7;
    for (const [id, reason] of ids) {
      const events = follow(tenant, id);
      const [reset] = await take(events, 1);
      expect(reset?.event).toEqual({ type: 'reset', reason: expect.stringMatching(reason) });
      // Its id is where the log is: resuming from it misses nothing.
      await say(tenant, next);
      expect((await take(events, 1)).map(textOf)).toEqual([String(next)]);
      const resumed = follow(tenant, reset?.id);
      expect((await take(resumed, 1)).map(textOf)).toEqual([String(next)]);
      await Promise.all([events.return(), resumed.return()]);
      next++;
    }
    // Position 3 is no longer kept, and 4 is the next: nothing is missed.
    const whole = follow(tenant, items[2]?.id);
    expect((await take(whole, 3)).map(textOf)).toEqual(['4', '5', '6']);
    await whole.return();
  });

  it('resumes from a reset that came before the first event', async () => {
    const tenant = newTenant();
    const events = follow(tenant, 'garbage');
    const [reset] = await take(events, 1);
    await say(tenant, 1);
    await placed(tenant, 1);
    const resumed = follow(tenant, reset?.id);
    for (const stream of [events, resumed]) {
      expect((await take(stream, 1)).map(textOf)).toEqual(['1']);
      await stream.return();
    }
  });

  it('shows what a newer version wrote as something to look at', async () => {
    const tenant = newTenant();
    const events = follow(tenant);
    await events.started;
    await installation.database.transaction(tenant, (db) =>
      db.rows(sql`
      insert into events (tenant_id, topic, type, version, payload, created_at)
      values (${tenant}::uuid, 'orders', 'order.created', 99, '{}'::jsonb, now())`),
    );
    await say(tenant, 2);
    const [strange, known] = await take(events, 2);
    expect(strange?.event.type).toBe('reset');
    expect(known && textOf(known)).toBe('2');
    await events.return();
  });

  it('loses nothing to a reader who is slower than its queue', async () => {
    const tenant = newTenant();
    const slow = follow(tenant);
    const fast = follow(tenant);
    await Promise.all([slow.started, fast.started]);
    await say(tenant, 1);
    await take(slow, 1);
    const count = queueLimit + 300;
    await sayAtOnce(tenant, 2, count);
    // The fast one never falls behind: between two pages it has its turn.
    expect((await take(fast, count)).map(textOf)).toEqual(texts(1, count));
    await placed(tenant, count);
    expect((await take(slow, count - 1)).map(textOf)).toEqual(texts(2, count));
    await say(tenant, count + 1);
    expect((await take(slow, 1)).map(textOf)).toEqual([String(count + 1)]);
    await Promise.all([slow.return(), fast.return()]);
  });

  it('ends at once when its caller leaves, begun or not, and leaves nothing behind', async () => {
    const tenant = newTenant();
    const waiting = contextOf(tenant);
    const stream = replica.follow(waiting, { topic: 'orders' });
    await stream.started;
    const next = stream.next();
    waiting.abort();
    expect(await next).toEqual({ value: undefined, done: true });
    const never = contextOf(tenant);
    const unpulled = replica.follow(never, { topic: 'orders' });
    await unpulled.started;
    expect(replica.hub.stats().subscribers).toBe(1);
    never.abort();
    expect(replica.hub.stats()).toEqual({ tenants: 0, subscribers: 0 });
    const gone = contextOf(tenant);
    gone.abort();
    expect(await replica.follow(gone, { topic: 'orders' }).next()).toEqual({ value: undefined, done: true });
    const returned = follow(tenant);
    const pending = returned.next();
    await returned.return();
    expect(await pending).toEqual({ value: undefined, done: true });
    const early = follow(tenant);
    await early.return();
    await early.started;
    expect(replica.hub.stats()).toEqual({ tenants: 0, subscribers: 0 });
  });

  it('ends with UNAUTHENTICATED when the credential expires', async () => {
    const tenant = newTenant();
    const stream = replica.follow(contextOf(tenant, Date.now() + 150), { topic: 'orders' });
    await stream.started;
    const begin = performance.now();
    expect((await stream.next()).value).toMatchObject({ event: { type: 'started' } });
    await expect(stream.next()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(performance.now() - begin).toBeLessThan(400);
    expect(replica.hub.stats().subscribers).toBe(0);
  });

  it('tells whoever keeps answers of what has become stale', async () => {
    const tenant = newTenant();
    await say(tenant, 1);
    const told = () => replica.hints.filter((hint) => hint.tenantId === tenant);
    await until(() => told().length > 0);
    expect(told()).toEqual([{ tenantId: tenant, topics: ['orders'] }]);
  });
});
