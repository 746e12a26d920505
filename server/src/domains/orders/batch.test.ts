import type { OutputOf, contracts } from '@olympus/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestKernel } from '../testing.ts';
import { databases, openShop, startShops, type Shop } from './testing.ts';

type Results = OutputOf<typeof contracts.orders.batch.def>['results'];
const nowhere = '01890a5d-ac96-774b-bcce-b302099a8057';

describe.each(databases(process.env['TEST_DATABASE_URL']))('batches of orders, %s', (_, url) => {
  let kernel: TestKernel;
  let shop: Shop;
  beforeAll(async () => {
    kernel = await startShops(url);
    shop = await openShop(kernel);
  });
  afterAll(() => kernel.close());

  const batch = async (operations: object[], key?: string): Promise<Results> =>
    (await shop.call<{ results: Results }>('orders.batch', { operations }, key)).results;
  const create = (productId: string, quantity: number, more: object = {}) => ({
    op: 'create',
    order: { items: [{ productId, quantity }], ...more },
  });
  const update = (id: string, changes: object) => ({ op: 'update', id, changes });

  it('lets each operation succeed or fail alone, in order', async () => {
    const mug = await shop.product({ stock: 5 });
    const old = await shop.order([{ productId: mug.id, quantity: 1 }], { number: 'old' });
    const told = (await shop.events()).length;
    const results = await batch([
      create(mug.id, 3),
      create(mug.id, 2),
      create(nowhere, 1),
      update(old.id, { notes: 'x', expectedVersion: 9 }),
      create(mug.id, 1, { number: 'old' }),
      create(mug.id, 1, { number: 'new' }),
      create(mug.id, 1, { number: 'new' }),
      update(old.id, { items: [{ productId: mug.id, quantity: 1 }], notes: 'held' }),
      update(nowhere, { notes: 'x' }),
    ]);
    expect(results.map(({ index, status, error }) => [index, status, error?.code ?? null])).toEqual([
      [0, 201, null],
      [1, 409, 'OUT_OF_STOCK'],
      [2, 404, 'PRODUCT_NOT_FOUND'],
      [3, 412, 'VERSION_CONFLICT'],
      [4, 409, 'ORDER_NUMBER_TAKEN'],
      [5, 201, null],
      [6, 409, 'ORDER_NUMBER_TAKEN'],
      [7, 200, null],
      [8, 404, 'ORDER_NOT_FOUND'],
    ]);
    expect(results[1]).toMatchObject({
      order: null,
      error: {
        type: '/problems/out-of-stock',
        title: 'Not enough in stock',
        status: 409,
        instance: null,
        errors: [],
        data: { productId: mug.id, sku: mug.sku, requested: 2, available: 1 },
      },
    });
    expect(results[0]?.order).toMatchObject({ units: 3, version: 1 });
    expect(results[7]?.order).toMatchObject({ id: old.id, notes: 'held', version: 2 });
    expect(await shop.stockOf(mug.id)).toBe(0);
    const types = (await shop.events()).slice(told).map(({ type }) => type);
    expect(types.sort()).toEqual(['order.created', 'order.created', 'order.updated', 'product.updated']);
  });

  it('changes an order as often as it comes up', async () => {
    const { id: productId } = await shop.product({ stock: 10 });
    const { id } = await shop.order([{ productId, quantity: 1 }]);
    const results = await batch([
      update(id, { notes: 'first', expectedVersion: 1 }),
      update(id, { items: [{ productId, quantity: 4 }], expectedVersion: 2 }),
      create(productId, 7),
      update(id.toUpperCase(), { notes: null, expectedVersion: 3 }),
    ]);
    expect(results.map(({ order, error }) => order && [order.version, order.notes, order.units, error])).toEqual([
      [2, 'first', 1, null],
      [3, 'first', 4, null],
      null,
      [4, null, 4, null],
    ]);
    expect(results[2]?.error).toMatchObject({ code: 'OUT_OF_STOCK', data: { available: 6 } });
  });

  it('numbers a hundred orders around given numbers, and is answered once for a key', async () => {
    const own = await openShop(kernel);
    const { id: productId } = await own.product({ stock: 1000 });
    await own.order([{ productId, quantity: 1 }], { number: '100050' });
    const operations = Array.from({ length: 100 }, () => create(productId, 1));
    const call = () => own.call<{ results: Results }>('orders.batch', { operations }, 'batch-1');
    const { results } = await call();
    const expected = Array.from({ length: 101 }, (_, index) => String(100_001 + index)).filter((n) => n !== '100050');
    expect(results.map(({ order }) => order?.number).sort((a, b) => Number(a) - Number(b))).toEqual(expected);
    expect((await call()).results).toEqual(results);
    expect(await own.stockOf(productId)).toBe(899);
  });

  it('names the operation whose input is wrong, and does nothing', async () => {
    const { id: productId } = await shop.product({ stock: 1 });
    const operations = [create(productId, 1), create(productId, 0)];
    expect(await shop.refusal('orders.batch', { operations })).toMatchObject({
      code: 'INVALID_INPUT',
      data: { issues: [{ field: 'operations.1.order.items.0.quantity' }] },
    });
    expect(await shop.stockOf(productId)).toBe(1);
  });
});
