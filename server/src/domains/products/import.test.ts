import { sql } from '@olympus/database';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openImporter, startImports, type Importer } from '../orders/import-testing.ts';
import { databases } from '../orders/testing.ts';
import type { TestKernel } from '../testing.ts';

describe.each(databases(process.env['TEST_DATABASE_URL']))('products.import, %s', (_, url) => {
  let kernel: TestKernel;
  let shop: Importer;
  beforeAll(async () => {
    kernel = await startImports(url);
  });
  afterAll(() => kernel.close());
  beforeEach(async () => {
    shop = await openImporter(kernel);
  });

  const load = (lines: string[], options: object = {}) =>
    shop.call('products.import', { content: lines.join('\n'), ...options });
  const movements = () =>
    kernel.database
      .tenant(shop.tenantId)
      .rows(sql`select delta, reason from stock_movements where tenant_id = ${shop.tenantId}::uuid order by id`);

  it('adds products, exactly as they are written', async () => {
    const lines = [
      'sku,name,description,price,stock',
      ' a ,Mug,"Red, ""large""",10.9900,12',
      'A,Cup,,0.0001,',
      'b,Bin,x,1,0',
    ];
    expect(await load(lines)).toEqual({
      dryRun: false,
      lines: 3,
      imported: 3,
      failed: 0,
      orders: 0,
      products: 3,
      customers: 0,
      errors: [],
    });
    const mug = { name: 'Mug', description: 'Red, "large"', price: { amount: '10.99', currency: 'GBP' }, stock: 12 };
    expect(await shop.productOf(' a ')).toMatchObject({ ...mug, active: true, version: 1 });
    expect(await shop.productOf('A')).toMatchObject({ description: null, price: { amount: '0.0001' }, stock: null });
    expect(await shop.productOf('b')).toMatchObject({ stock: 0 });
    expect(await shop.events()).toEqual([{ type: 'products.imported', products: 3 }]);
  });

  it('changes what a line says otherwise, and only that', async () => {
    await load(['sku,name,description,price,stock', 'a,Mug,Red,10,12', 'b,Cup,Blue,1,']);
    await load(['price,sku,name', '10,a,Mug', '2,b,Cup']);
    expect(await shop.productOf('a')).toMatchObject({ description: 'Red', stock: 12, version: 1 });
    expect(await shop.productOf('b')).toMatchObject({ description: 'Blue', price: { amount: '2.00' }, version: 2 });
    await load(['sku,name,price,stock', 'a,Mug,10,9', 'b,Cup,2,4', 'a,Big mug,11,']);
    expect(await shop.productOf('a')).toMatchObject({ name: 'Big mug', stock: 9, version: 2 });
    expect(await movements()).toEqual([
      { delta: -3, reason: 'import' },
      { delta: 4, reason: 'import' },
    ]);
    expect(await shop.events()).toEqual([2, 1, 2].map((products) => ({ type: 'products.imported', products })));
    expect(await load(['sku,name,price', 'a,Big mug,11.0000'])).toMatchObject({ imported: 1, products: 1 });
    expect(await shop.events()).toHaveLength(3);
  });

  it('reports broken lines, and refuses all of them when strict', async () => {
    const lines = ['sku,name,price,stock', ',Mug,1,', 'a,,1,', 'a,Mug,-1,', 'a,Mug,1,-1', 'a,Mug,1,1.5', "'=a,Mug,1,"];
    const errors = [
      'sku is empty',
      'name is empty',
      'price is below 0',
      'stock is below 0',
      'stock must be a whole number',
    ];
    const expected = errors.map((message, index) => ({
      line: index + 2,
      message: expect.stringContaining(message) as string,
    }));
    expect(await shop.refusal('products.import', { content: lines.join('\n'), strict: true })).toMatchObject({
      code: 'IMPORT_REFUSED',
      data: { lines: 6, failed: 5, errors: expected },
    });
    expect(await load(lines, { dryRun: true })).toMatchObject({ imported: 0, failed: 5, products: 1 });
    await expect(shop.productOf('=a')).rejects.toThrow('no product');
    expect(await load(lines)).toMatchObject({ imported: 1, failed: 5, products: 1, errors: expected });
    expect(await shop.productOf('=a')).toMatchObject({ name: 'Mug' });
  });

  it('takes many, in batches, from columns of any name', async () => {
    const lines = Array.from({ length: 600 }, (_unused, index) =>
      JSON.stringify({ code: `s${index}`, title: 'T', price: index }),
    );
    const options = { format: 'ndjson', columns: 'code=sku,title=name' };
    expect(await load(lines, options)).toMatchObject({ lines: 600, imported: 600, products: 600 });
    expect(await shop.events()).toEqual([250, 250, 100].map((products) => ({ type: 'products.imported', products })));
    expect(await shop.productOf('s599')).toMatchObject({ price: { amount: '599.00' } });
  });
});
