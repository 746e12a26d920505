import { sql } from '@olympus/database';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestKernel } from '../testing.ts';
import { databases, openShop, startShops } from './testing.ts';

describe.each(databases(process.env['TEST_DATABASE_URL']))('many at once, %s', (_, url) => {
  let kernel: TestKernel;
  beforeAll(async () => {
    kernel = await startShops(url);
  });
  afterAll(() => kernel.close());

  const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

  /** What each call came to: its value, or the code of its failure. Eight run at once, each on a connection of its own. */
  async function outcomes<T>(calls: readonly (() => Promise<T>)[]): Promise<(T | string)[]> {
    const results: (T | string)[] = [];
    const waiting = calls.entries();
    const caller = async () => {
      for (const [index, call] of waiting)
        results[index] = await call().catch((failure: { code: string }) => failure.code);
    };
    await Promise.all(times(8, caller));
    return results;
  }

  it('sells the last item to one of two buyers', async () => {
    const shop = await openShop(kernel);
    for (const _ of times(10, (i) => i)) {
      const { id: productId } = await shop.product({ stock: 1 });
      const [one, two] = await outcomes(times(2, () => () => shop.order([{ productId, quantity: 1 }])));
      expect([one, two].filter((outcome) => outcome === 'OUT_OF_STOCK')).toHaveLength(1);
      expect(await shop.stockOf(productId)).toBe(0);
    }
  });

  it('never sells more than there is, nor gives a number twice', async () => {
    const shop = await openShop(kernel);
    const goods = await Promise.all(times(3, () => shop.product({ stock: 20 })));
    // Each buyer names the products in another order: stock that was taken in theirs would end in deadlocks.
    const buyers = times(60, (i) => {
      const items = times(3, (j) => ({ productId: goods[(i + j * (1 + (i % 2))) % 3]!.id, quantity: 1 }));
      return () => shop.order(items);
    });
    const results = await outcomes(buyers);
    const sold = results.filter((result) => typeof result !== 'string');
    expect(sold).toHaveLength(20);
    expect(results.filter((result) => result === 'OUT_OF_STOCK')).toHaveLength(40);
    expect(await Promise.all(goods.map(({ id }) => shop.stockOf(id)))).toEqual([0, 0, 0]);
    expect(sold.map(({ number }) => number).sort()).toEqual(times(20, (i) => String(100_001 + i)));
  });

  it('keeps stock and orders in step while they are changed, cancelled and adjusted', async () => {
    const shop = await openShop(kernel);
    const goods = await Promise.all(times(2, () => shop.product({ stock: 1000 })));
    const placed = await Promise.all(times(12, (i) => shop.order([{ productId: goods[i % 2]!.id, quantity: 5 }])));
    const changes = placed.flatMap(({ id }, i) => {
      const both = goods.map((product) => ({ productId: product.id, quantity: 2 + i }));
      const other = [{ productId: goods[(i + 1) % 2]!.id, quantity: 9 }];
      return [
        () => shop.call('orders.update', { id, items: both }),
        () => shop.call('orders.cancel', { id }),
        () => shop.call('products.adjustStock', { id: goods[i % 2]!.id, delta: -1 }),
        () => shop.call('orders.update', { id, items: other }),
      ];
    });
    const codes = (await outcomes(changes)).filter((outcome) => typeof outcome === 'string');
    expect(codes.filter((code) => code !== 'ORDER_NOT_PENDING')).toEqual([]);
    // All were cancelled in the end, so that only the adjustments are missing.
    expect(await Promise.all(goods.map(({ id }) => shop.stockOf(id)))).toEqual([994, 994]);
  });

  it('gives a number that two name to one of them', async () => {
    const shop = await openShop(kernel);
    const { id: productId } = await shop.product({ stock: 100 });
    const named = (number: string) => () => shop.order([{ productId, quantity: 1 }], { number });
    const results = await outcomes([...times(5, () => named('X-1')), ...times(5, () => named('100002'))]);
    expect(results.filter((result) => result === 'ORDER_NUMBER_TAKEN')).toHaveLength(8);
    expect(await shop.stockOf(productId)).toBe(98);
    const drawn = await Promise.all(times(5, () => shop.order([{ productId, quantity: 1 }])));
    expect(drawn.map(({ number }) => number).sort()).toEqual(['100001', '100003', '100004', '100005', '100006']);
  });

  it('refuses the second of two changes meant for one version', async () => {
    const shop = await openShop(kernel);
    const product = await shop.product();
    const order = await shop.order([{ productId: product.id, quantity: 1 }]);
    const conflicts = async (path: string, changes: (i: number) => object) => {
      const results = await outcomes(times(4, (i) => () => shop.call(path, { expectedVersion: 1, ...changes(i) })));
      return results.filter((outcome) => outcome === 'VERSION_CONFLICT').length;
    };
    expect(await conflicts('orders.update', (i) => ({ id: order.id, notes: `note ${i}` }))).toBe(3);
    expect(await conflicts('products.update', (i) => ({ id: product.id, name: `name ${i}` }))).toBe(3);
    expect(await conflicts('products.update', (i) => ({ id: product.id, stock: i }))).toBe(4);
  });

  /** Deadlocks that PostgreSQL has broken; the transactions they broke were run again, so that nothing else tells of them. */
  async function deadlocks(): Promise<number> {
    const { database, ids } = kernel;
    if (database.kind === 'embedded') return 0;
    const sessions = times(database.stats().app.size, () => database.tenant(ids.next()));
    await Promise.all(sessions.map((db) => db.rows(sql`select pg_stat_force_next_flush()`)));
    const [row] = await database
      .tenant(ids.next())
      .rows<{ count: string }>(sql`select deadlocks as count from pg_stat_database where datname = current_database()`);
    return Number(row?.count);
  }

  it('keeps transactions from waiting for each other in a circle', async () => {
    const shop = await openShop(kernel);
    const goods = await Promise.all(times(6, () => shop.product({ stock: 10_000 })));
    const item = (i: number) => ({ productId: goods[i % 6]!.id, quantity: 1 });
    const placed = await Promise.all(times(8, (i) => shop.order([item(i), item(i + 1)])));
    const id = (i: number) => placed[i % 8]!.id;
    const before = await deadlocks();
    const batch = (i: number) => ({
      operations: times(18, (j) =>
        j % 3
          ? { op: 'create', order: { items: [item(i + (i % 2 ? j : 90 - j)), item(j)] } }
          : { op: 'update', id: id(i + ((i % 2 ? j : 90 - j) % 4)), changes: { items: [item(j), item(j + 3)] } },
      ),
    });
    const catalogue = (i: number) => ({
      operations: times(6, (j) => ({
        op: 'update',
        id: item(i % 2 ? j : 6 - j).productId,
        changes: { name: `N${i}` },
      })),
    });
    // The second change of an order is written after the first one, when both batches hold the order that the other wants.
    const twice = (i: number) => ({
      operations: (i % 2 ? [0, 0, 1] : [1, 1, 0]).map((j) => ({ op: 'update', id: id(j), changes: { notes: `${i}` } })),
    });
    const calls = times(20, (i) => [
      () => shop.call('orders.batch', twice(i)),
      () => shop.order([item(i), item(i + 3), item(i + 1)]),
      () => shop.call('orders.update', { id: id(i), items: [item(i + 5), item(i + 2)] }),
      () => shop.call('products.adjustStock', { id: item(i).productId, delta: -1 }),
      ...(i % 3 ? [] : [() => shop.call('orders.batch', batch(i)), () => shop.call('products.batch', catalogue(i))]),
    ]).flat();
    const results = await outcomes<unknown>(calls);
    const statuses = results.map((result) => {
      const items = (result as { results?: { status: number }[] }).results;
      return items?.find(({ status }) => status >= 300)?.status ?? (typeof result === 'string' ? result : 200);
    });
    expect(statuses.filter((status) => status !== 200)).toEqual([]);
    const stock = await Promise.all(goods.map((product) => shop.stockOf(product.id)));
    const taken = 60_000 - stock.reduce<number>((sum, left) => sum + (left ?? 0), 0);
    // Eight orders of two, twelve of two in each of seven batches, 20 of three, and as many adjustments.
    expect(taken).toBe(16 + 168 + 60 + 20);
    expect((await deadlocks()) - before).toBe(0);
  });
});
