import type { Product } from '@olympus/contracts';
import { sql } from '@olympus/database';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { databases, openShop, startShops, type Shop } from '../orders/testing.ts';
import type { TestKernel } from '../testing.ts';

const nowhere = '01890a5d-ac96-774b-bcce-b302099a8057';
const gbp = (amount: string) => ({ amount, currency: 'GBP' });

describe.each(databases(process.env['TEST_DATABASE_URL']))('products, %s', (_, url) => {
  let kernel: TestKernel;
  let shop: Shop;
  beforeAll(async () => {
    kernel = await startShops(url);
    shop = await openShop(kernel);
  });
  afterAll(() => kernel.close());

  const movements = (productId: string) =>
    kernel.database.tenant(shop.tenantId).rows<{ delta: number; reason: string | null; userId: string }>(
      sql`select delta, reason, user_id as "userId" from stock_movements
            where tenant_id = ${shop.tenantId}::uuid and product_id = ${productId}::uuid order by id`,
    );

  it('adds a product, exactly as it is written', async () => {
    const sku = ` aBc-${Math.random()} `;
    const input = { sku, name: 'Mug', description: '', price: gbp('0.0010'), stock: 3, imageUrl: 'https://img.test/1' };
    const product = await shop.call<Product>('products.create', input);
    expect(product).toMatchObject({ sku, description: '', price: gbp('0.001'), stock: 3, active: true, version: 1 });
    expect(await shop.call('products.get', { id: product.id })).toEqual(product);
    expect(await shop.product({ sku: sku.toUpperCase() })).toMatchObject({
      stock: null,
      description: null,
      imageUrl: null,
    });
    expect(await shop.refusal('products.create', input)).toMatchObject({
      code: 'SKU_TAKEN',
      status: 409,
      data: { sku },
    });
    expect((await shop.events())[0]).toEqual({
      type: 'product.created',
      productId: product.id,
      product: JSON.parse(JSON.stringify(product)),
    });
  });

  it('knows one currency', async () => {
    const price = { amount: '1', currency: 'EUR' };
    const mismatch = { code: 'CURRENCY_MISMATCH', status: 422, data: { expected: 'GBP', received: 'EUR' } };
    const { id } = await shop.product();
    expect(await shop.refusal('products.create', { sku: 'e', name: 'e', price })).toMatchObject(mismatch);
    expect(await shop.refusal('products.update', { id, price })).toMatchObject(mismatch);
    expect(await shop.refusal('products.replace', { id, sku: 'e', name: 'e', price })).toMatchObject(mismatch);
    const tokyo = await openShop(kernel, { currency: 'JPY' });
    expect(await tokyo.product({ price: { amount: '100', currency: 'JPY' } })).toMatchObject({
      price: { amount: '100' },
    });
  });

  it('changes what is named, and nothing else', async () => {
    const product = await shop.product({ description: 'Warm', stock: 5, imageUrl: 'https://img.test/1' });
    const { id } = product;
    kernel.clock.advance(10);
    const renamed = await shop.call<Product>('products.update', { id, name: 'Blue mug', expectedVersion: 1 });
    expect(renamed).toEqual({ ...product, name: 'Blue mug', version: 2, updatedAt: renamed.updatedAt });
    expect(renamed.updatedAt.getTime()).toBeGreaterThan(product.updatedAt.getTime());
    const told = (await shop.events()).length;
    expect(await shop.call('products.update', { id })).toEqual(renamed);
    expect(await shop.events()).toHaveLength(told);
    expect(
      await shop.call('products.update', {
        id,
        description: null,
        imageUrl: null,
        stock: null,
        price: gbp('3'),
        active: false,
      }),
    ).toMatchObject({ description: null, imageUrl: null, stock: null, price: gbp('3.00'), active: false, version: 3 });
    expect((await shop.events()).at(-1)).toMatchObject({
      type: 'product.updated',
      productId: id,
      product: { version: 3 },
    });
  });

  it('replaces a whole product: what is absent becomes empty', async () => {
    const { id } = await shop.product({ description: 'Warm', stock: 5, imageUrl: 'https://img.test/1' });
    const sku = `whole-${id}`;
    expect(await shop.call('products.replace', { id, sku, name: 'Whole', price: gbp('2') })).toMatchObject({
      id,
      sku,
      name: 'Whole',
      description: null,
      price: gbp('2.00'),
      stock: null,
      active: true,
      imageUrl: null,
      version: 2,
    });
  });

  it('refuses a sku that is taken, and a change that is meant for another version', async () => {
    const [one, two] = [await shop.product(), await shop.product()];
    const taken = { code: 'SKU_TAKEN', data: { sku: one.sku } };
    const whole = { id: two.id, sku: one.sku, name: 'x', price: gbp('1') };
    expect(await shop.refusal('products.update', { id: two.id, sku: one.sku })).toMatchObject(taken);
    expect(await shop.refusal('products.replace', whole)).toMatchObject(taken);
    const conflict = { code: 'VERSION_CONFLICT', status: 412, data: { currentVersion: 1 } };
    const stale = { id: two.id, expectedVersion: 2 };
    expect(await shop.refusal('products.update', { ...stale, name: 'x' })).toMatchObject(conflict);
    expect(await shop.refusal('products.update', { ...stale, stock: 1 })).toMatchObject(conflict);
    expect(await shop.refusal('products.update', stale)).toMatchObject(conflict);
    expect(await shop.refusal('products.replace', { ...whole, sku: 'y', expectedVersion: 2 })).toMatchObject(conflict);
    expect(await shop.refusal('products.archive', stale)).toMatchObject(conflict);
    expect(await shop.refusal('products.adjustStock', { ...stale, delta: 1 })).toMatchObject(conflict);
    expect(await shop.call('products.get', { id: two.id })).toEqual(two);
  });

  it('archives a product, once', async () => {
    const { id } = await shop.product();
    expect(await shop.call('products.archive', { id, expectedVersion: 1 })).toBeNull();
    const told = (await shop.events()).length;
    expect(await shop.call('products.archive', { id })).toBeNull();
    expect(await shop.events()).toHaveLength(told);
    expect(await shop.call('products.get', { id })).toMatchObject({ active: false, version: 2 });
  });

  it('adjusts stock within its bounds, and keeps the reasons', async () => {
    const { id, sku } = await shop.product({ stock: 10 });
    const adjust = (delta: number, reason?: string) => ({ id, delta, ...(reason ? { reason } : {}) });
    expect(await shop.call('products.adjustStock', adjust(5, 'delivery'))).toMatchObject({ stock: 15, version: 2 });
    expect(await shop.call('products.adjustStock', adjust(-15))).toMatchObject({ stock: 0, version: 3 });
    expect(await shop.refusal('products.adjustStock', adjust(-1))).toMatchObject({
      code: 'OUT_OF_STOCK',
      data: { productId: id, sku, requested: 1, available: 0 },
    });
    await shop.call('products.adjustStock', adjust(1_000_000_000));
    expect(await shop.refusal('products.adjustStock', adjust(1))).toMatchObject({
      code: 'INVALID_INPUT',
      data: { issues: [{ field: 'delta' }] },
    });
    await shop.call('products.update', { id, stock: 7 });
    await shop.call('products.update', { id, stock: 7 });
    await shop.call('products.update', { id, stock: null });
    expect(await shop.refusal('products.adjustStock', adjust(1))).toMatchObject({
      code: 'STOCK_UNTRACKED',
      data: { id },
    });
    const { userId } = shop;
    expect(await movements(id)).toEqual([
      { delta: 5, reason: 'delivery', userId },
      { delta: -15, reason: null, userId },
      { delta: 1_000_000_000, reason: null, userId },
      { delta: -999_999_993, reason: null, userId },
      { delta: -7, reason: null, userId },
    ]);
  });

  it('does not know other products, nor those of other tenants', async () => {
    const other = await openShop(kernel);
    const foreign = await other.product({ sku: 'shared', stock: 1 });
    expect(await shop.product({ sku: 'shared' })).toMatchObject({ sku: 'shared' });
    for (const id of [nowhere, foreign.id]) {
      const missing = { code: 'PRODUCT_NOT_FOUND', status: 404, data: { id } };
      const whole = { id, sku: 'z', name: 'z', price: gbp('1') };
      expect(await shop.refusal('products.get', { id })).toMatchObject(missing);
      expect(await shop.refusal('products.update', { id, name: 'x' })).toMatchObject(missing);
      expect(await shop.refusal('products.replace', whole)).toMatchObject(missing);
      expect(await shop.refusal('products.archive', { id })).toMatchObject(missing);
      expect(await shop.refusal('products.adjustStock', { id, delta: 1 })).toMatchObject(missing);
    }
    expect(await other.call('products.get', { id: foreign.id })).toEqual(foreign);
  });

  it('lets each operation of a batch succeed or fail alone, in order', async () => {
    const own = await openShop(kernel);
    const [a, b] = [await own.product({ sku: 'A' }), await own.product({ sku: 'B' })];
    const create = (sku: string, price = gbp('1')) => ({ op: 'create', product: { sku, name: sku, price } });
    const update = (id: string, changes: object) => ({ op: 'update', id, changes });
    const operations = [
      create('C'),
      create('C'),
      create('D', { amount: '1', currency: 'USD' }),
      update(a.id, { sku: 'B' }),
      update(a.id, { sku: 'E' }),
      create('A'),
      update(b.id, { name: 'x', expectedVersion: 5 }),
      update(nowhere, { name: 'x' }),
      update(b.id, { stock: 4 }),
    ];
    const call = () =>
      own.call<{ results: { status: number; product: Product | null; error: { code: string } | null }[] }>(
        'products.batch',
        { operations },
        'batch',
      );
    const { results } = await call();
    expect(results.map(({ status, product, error }) => [status, error?.code ?? product?.sku])).toEqual([
      [201, 'C'],
      [409, 'SKU_TAKEN'],
      [422, 'CURRENCY_MISMATCH'],
      [409, 'SKU_TAKEN'],
      [200, 'E'],
      [201, 'A'],
      [412, 'VERSION_CONFLICT'],
      [404, 'PRODUCT_NOT_FOUND'],
      [200, 'B'],
    ]);
    expect(results[0]?.product?.id).not.toBe(results[5]?.product?.id);
    expect(await own.stockOf(b.id)).toBe(4);
    const told = (await own.events()).slice(2).map((event) => 'product' in event && [event.type, event.product.sku]);
    expect(told).toEqual([
      ['product.created', 'C'],
      ['product.updated', 'E'],
      ['product.created', 'A'],
      ['product.updated', 'B'],
    ]);
    expect((await call()).results).toEqual(results);
    expect(await own.events()).toHaveLength(6);
  });
});
