import type { Order } from '@olympus/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestKernel } from '../testing.ts';
import { databases, openShop, startShops, type Shop } from './testing.ts';

describe.each(databases)('many at once, %s', (_, url) => {
  let kernel: TestKernel;
  beforeAll(async () => {
    kernel = await startShops(url);
  });
  afterAll(() => kernel.close());

  /** What each call came to: its value, or the code of its failure. */
  const outcomes = async (calls: Promise<Order>[]) => {
    const settled = await Promise.allSettled(calls);
    return settled.map((one) => (one.status === 'fulfilled' ? one.value : (one.reason as { code: string }).code));
  };
  const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

  it('sells the last item to one of two buyers', async () => {
    const shop = await openShop(kernel);
    for (const _ of times(10, (i) => i)) {
      const { id: productId } = await shop.product({ stock: 1 });
      const [one, two] = await outcomes(times(2, () => shop.order([{ productId, quantity: 1 }])));
      expect([one, two].filter((outcome) => outcome === 'OUT_OF_STOCK')).toHaveLength(1);
      expect(await shop.stockOf(productId)).toBe(0);
    }
  });

  it('never sells more than there is, nor gives a number twice', async () => {
    const shop = await openShop(kernel);
    const goods = await Promise.all(times(3, () => shop.product({ stock: 20 })));
    // Each buyer names the products in another order: stock that was taken in theirs would end in deadlocks.
    const buyers = times(60, (i) =>
      shop.order(times(3, (j) => ({ productId: goods[(i + j * (1 + (i % 2))) % 3]!.id, quantity: 1 }))),
    );
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
    const changes = placed.flatMap((order, i) => [
      shop.call<Order>('orders.update', {
        id: order.id,
        items: goods.map(({ id }) => ({ productId: id, quantity: 2 + i })),
      }),
      shop.call<Order>('orders.cancel', { id: order.id }),
      shop.call<Order>('products.adjustStock', { id: goods[i % 2]!.id, delta: -1 }),
      shop.call<Order>('orders.update', { id: order.id, items: [{ productId: goods[(i + 1) % 2]!.id, quantity: 9 }] }),
    ]);
    const codes = (await outcomes(changes)).filter((outcome) => typeof outcome === 'string');
    expect(codes.filter((code) => code !== 'ORDER_NOT_PENDING')).toEqual([]);
    // All were cancelled in the end, so that only the adjustments are missing.
    expect(await Promise.all(goods.map(({ id }) => shop.stockOf(id)))).toEqual([994, 994]);
  });

  it('gives a number that two name to one of them', async () => {
    const shop = await openShop(kernel);
    const { id: productId } = await shop.product({ stock: 100 });
    const named = (number: string) => shop.order([{ productId, quantity: 1 }], { number });
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
    const meant = (path: string, id: string) =>
      outcomes(
        times(4, (i) => shop.call(path, { id, expectedVersion: 1, ...(i % 2 ? { notes: 'a' } : { notes: 'b' }) })),
      );
    const orderOutcomes = await meant('orders.update', order.id);
    expect(orderOutcomes.filter((outcome) => outcome === 'VERSION_CONFLICT')).toHaveLength(3);
    const productOutcomes = await outcomes(
      times(4, (i) => shop.call('products.update', { id: product.id, expectedVersion: 1, name: `name ${i}` })),
    );
    expect(productOutcomes.filter((outcome) => outcome === 'VERSION_CONFLICT')).toHaveLength(3);
  });

  it('keeps batches and single orders from waiting for each other in a circle', async () => {
    const shop = await openShop(kernel);
    const goods = await Promise.all(times(6, () => shop.product({ stock: 10_000 })));
    const item = (i: number) => ({ productId: goods[i % 6]!.id, quantity: 1 });
    const batches = times(6, (i) =>
      shop.call<{ results: { status: number }[] }>('orders.batch', {
        operations: times(30, (j) => ({ op: 'create', order: { items: [item(i * 5 + (i % 2 ? j : 90 - j))] } })),
      }),
    );
    const singles = times(30, (i) => shop.order([item(i), item(i + 3), item(i + 1)]));
    const answers = await Promise.all(batches);
    await Promise.all(singles);
    expect(answers.flatMap(({ results }) => results).every(({ status }) => status === 201)).toBe(true);
    const stock = await Promise.all(goods.map(({ id }) => shop.stockOf(id)));
    expect(stock.reduce<number>((sum, left) => sum + (left ?? 0), 0)).toBe(60_000 - 180 - 90);
  });
});
