import type { LiveCounters, Tracked } from '@olympus/contracts';
import { DatabaseTimeout } from '@olympus/database';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { databases } from '../orders/testing.ts';
import { callerWith } from '../testing.ts';
import { live } from './live.ts';
import { startFigures, type TestFigures } from './testing.ts';

type Item = Tracked<LiveCounters>;

describe.each(databases(process.env['TEST_DATABASE_URL']))('live counters, %s', (_, url) => {
  let kernel: TestFigures;
  beforeAll(async () => {
    kernel = await startFigures(url, { pauseMs: 100, lookMs: 20_000 });
  });
  afterAll(() => kernel.close());

  const openShop = async () => {
    const { accessToken: token } = await kernel.register({ timeZone: 'Europe/London', currency: 'GBP' });
    const product = { sku: 'A', name: 'a', price: { amount: '2.5', currency: 'GBP' } };
    const { id: productId } = await kernel.call<{ id: string }>('products.create', product, { token });
    const place = () =>
      kernel.call<{ id: string }>('orders.create', { items: [{ productId, quantity: 2 }] }, { token });
    const follow = async (lastEventId?: string) => {
      const leaving = new AbortController();
      const procedure = kernel.kernel.byPath.get('analytics.live');
      if (!procedure) throw new Error('no procedure');
      const call = { procedure, caller: callerWith(token), input: { lastEventId }, signal: leaving.signal };
      const items = (await kernel.kernel.execute(call)) as AsyncGenerator<Item>;
      const next = async () => {
        const { value } = await items.next();
        return (value ?? null) as Item | null;
      };
      return { next, leave: () => leaving.abort() };
    };
    const principal = await kernel.kernel.identify(callerWith(token));
    if (!principal) throw new Error('nobody signed in');
    return { place, follow, principal, token };
  };

  it('come at once, and again when orders change', async () => {
    const { place, follow, token } = await openShop();
    const { id } = await place();
    const { next, leave } = await follow();
    const first = await next();
    const day = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Europe/London' }).format(kernel.clock.now());
    const counters = {
      type: 'analytics.counters',
      day,
      revenue: { amount: '5.00', currency: 'GBP' },
      orders: 1,
      units: 2,
      customers: 0,
    };
    expect(first?.data).toEqual(counters);
    await place();
    const second = await next();
    expect(second?.data).toEqual({ ...counters, revenue: { amount: '10.00', currency: 'GBP' }, orders: 2, units: 4 });
    expect(second?.id).not.toBe(first?.id);
    await kernel.call('orders.cancel', { id }, { token });
    expect((await next())?.data.orders).toBe(1);
    const last = next();
    leave();
    expect(await last).toBeNull();
  });

  it('come at most once a second however many orders arrive, and the last ones count', async () => {
    const { place, principal } = await openShop();
    const db = kernel.database.tenant(principal.tenantId);
    const leaving = new AbortController();
    const ctx = { ...kernel, db, principal, signal: leaving.signal };
    const stream = await live(kernel.events.follow)({ input: {}, ctx } as never);
    const times: number[] = [];
    const placing = Promise.all(Array.from({ length: 25 }, (_, index) => sleep(index * 50).then(place)));
    for await (const { data } of stream) {
      times.push(performance.now());
      if (data.orders === 25) break;
    }
    await placing;
    leaving.abort();
    expect(times.length).toBeGreaterThan(1);
    for (const [index, time] of times.slice(1).entries()) expect(time - (times[index] ?? 0)).toBeGreaterThan(990);
  });

  it('resume behind an event: what was missed comes, what was not does not', async () => {
    const { place, follow } = await openShop();
    const before = await follow();
    await before.next();
    await place();
    const seen = await before.next();
    before.leave();
    await place();
    const after = await follow(seen?.id);
    expect(await after.next()).toMatchObject({ id: seen?.id, data: { orders: 2 } });
    const caughtUp = await after.next();
    expect(caughtUp?.data.orders).toBe(2);
    after.leave();
    const idle = await follow(caughtUp?.id);
    await idle.next();
    const silent = await Promise.race([idle.next(), sleep(500, 'nothing')]);
    expect(silent).toBe('nothing');
    idle.leave();
  });

  it('end at once when their reader returns, also while nothing happens', async () => {
    const { principal } = await openShop();
    const ctx = {
      ...kernel,
      db: kernel.database.tenant(principal.tenantId),
      principal,
      signal: new AbortController().signal,
    };
    const items = (await live(kernel.events.follow)({ input: {}, ctx } as never))[Symbol.asyncIterator]();
    await items.next();
    const waiting = items.next();
    const began = performance.now();
    await items.return?.();
    expect((await waiting).done).toBe(true);
    expect(performance.now() - began).toBeLessThan(500);
  });

  it('turn over when the day does, and outlive the database’s absence', async () => {
    const { principal, place } = await openShop();
    await place();
    let now = kernel.clock.now();
    let away = 0;
    const db = kernel.database.tenant(principal.tenantId);
    const leaving = new AbortController();
    const ctx = {
      db: {
        ...db,
        rows: (statement: never) => (away-- > 0 ? Promise.reject(new DatabaseTimeout(1)) : db.rows(statement)),
      },
      clock: { now: () => now },
      principal: { ...principal, expiresAt: Number.MAX_SAFE_INTEGER },
      signal: leaving.signal,
    };
    const open = live(kernel.events.follow, { pauseMs: 5, lookMs: 10 });
    const items = (await open({ input: {}, ctx } as never))[Symbol.asyncIterator]();
    const first = (await items.next()).value as Item;
    expect(first.data.orders).toBe(1);
    away = 2;
    now = new Date(now.getTime() + 86_400_000);
    const next = (await items.next()).value as Item;
    expect(next).toMatchObject({ id: first.id, data: { orders: 0, revenue: { amount: '0.00' } } });
    expect(next.data.day > first.data.day).toBe(true);
    leaving.abort();
    expect((await items.next()).done).toBe(true);
    away = 1;
    await expect(open({ input: {}, ctx: { ...ctx, signal: new AbortController().signal } } as never)).rejects.toThrow(
      DatabaseTimeout,
    );
  });

  it('end when the credential does', async () => {
    const { principal } = await openShop();
    const expiresAt = kernel.clock.now().getTime() + 300;
    const db = kernel.database.tenant(principal.tenantId);
    const ctx = { ...kernel, db, principal: { ...principal, expiresAt }, signal: new AbortController().signal };
    const items = (await live(kernel.events.follow)({ input: {}, ctx } as never))[Symbol.asyncIterator]();
    await items.next();
    await expect(items.next()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });
});
