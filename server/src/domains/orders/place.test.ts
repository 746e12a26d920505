import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestKernel } from '../testing.ts';
import { databases, openShop, startShops, type Shop } from './testing.ts';

describe.each(databases)('placing orders, %s', (_, url) => {
  let kernel: TestKernel;
  let shop: Shop;
  beforeAll(async () => {
    kernel = await startShops(url);
    shop = await openShop(kernel);
  });
  afterAll(() => kernel.close());

  it('sells on the terms of now and takes the stock', async () => {
    const mug = await shop.product({ stock: 5 });
    const order = await shop.order([{ productId: mug.id, quantity: 2 }]);
    expect(order).toMatchObject({ number: '100001', total: { amount: '21.98', currency: 'GBP' } });
    expect(await shop.stockOf(mug.id)).toBe(3);
  });
});
