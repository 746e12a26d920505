import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { TestKernel } from '../testing.ts';
import { dataFolder, header, onlineRetail, openImporter, startImports, type Importer } from './import-testing.ts';
import { databases } from './testing.ts';

const folder = dataFolder();
const line = (number: string, sku: string, more: Partial<Record<string, string>> = {}) => {
  const cells = {
    number,
    sku,
    description: 'Mug',
    quantity: '1',
    placedAt: '2010-12-01 08:26',
    unitPrice: '2.55',
    ...more,
  };
  return header
    .split(',')
    .map((column) => (cells as Record<string, string>)[column] ?? '')
    .join(',');
};
async function* inPieces(text: string, size = 1000, end?: Error): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  if (end) throw end;
}

describe.each(databases(process.env['TEST_DATABASE_URL']))('orders.import, %s', (_, url) => {
  let kernel: TestKernel;
  let shop: Importer;
  beforeAll(async () => {
    kernel = await startImports(url);
  });
  afterAll(() => kernel.close());
  beforeEach(async () => {
    shop = await openImporter(kernel);
  });

  const linesOf = async (number: string) =>
    (await shop.orderOf(number)).items.map(({ line: at, sku, quantity }) => [at, sku, quantity]);

  it.skipIf(!folder)('brings the published figures of the sample, however often', async () => {
    const sample = await readFile(join(folder ?? '', 'online-retail-sample.csv'), 'utf8');
    const counts = { lines: 2024, imported: 2024, failed: 0, orders: 97, products: 1052, customers: 72, errors: [] };
    const published = { orders: 97, customers: 72, products: 1052, countries: 7, units: 18465, revenue: '37894.68' };
    expect(await shop.import([], { dryRun: true, content: sample, ...onlineRetail })).toEqual({
      ...counts,
      dryRun: true,
      imported: 0,
    });
    expect(await shop.figures()).toMatchObject({
      orders: 0,
      products: 0,
      customers: 0,
      revenue: '0.00',
      topCustomers: [],
    });
    expect(await shop.stream('orders.import', inPieces(sample), onlineRetail)).toMatchObject(counts);
    const figures = await shop.figures();
    expect(figures).toMatchObject({ ...published, months: [['2010-12', '37894.68']] });
    expect(await shop.import([], { strict: true, content: sample, ...onlineRetail })).toMatchObject(counts);
    expect(await shop.figures()).toEqual(figures);
    expect(await shop.orderOf('C536379')).toMatchObject({
      kind: 'return',
      status: 'completed',
      itemCount: 1,
      units: -1,
    });
    expect(await shop.productOf('22139')).toMatchObject({ stock: null });
  });

  it('makes an order of its lines: the first tells its moment and country, repeats and their order stay', async () => {
    const at = { placedAt: '2011-07-01 23:59', country: 'EIRE' };
    const report = await shop.import([
      line('536365', '85123A', { ...at, unitPrice: '0.001', quantity: '3' }),
      line('536365', '85123a', { customer: '17850', country: 'France', placedAt: '2011-07-02 00:01', description: '' }),
      line('536366', ' 85123A ', { description: '"WHITE, ""HEART"" "', quantity: '-2', unitPrice: '10' }),
      line('536365', '85123A', { ...at, customer: '17851', unitPrice: '-11062.06' }),
      line('536365', '85123A', { ...at, customer: '17851', unitPrice: '-11062.06' }),
    ]);
    expect(report).toMatchObject({ lines: 5, imported: 5, orders: 2, products: 3, customers: 2 });
    const order = await shop.orderOf('536365');
    expect(order).toMatchObject({
      kind: 'sale',
      status: 'completed',
      country: 'EIRE',
      itemCount: 4,
      units: 6,
      version: 1,
    });
    expect(order.placedAt.toISOString()).toBe('2011-07-01T22:59:00.000Z');
    expect(order.total.amount).toBe('-22121.567');
    expect(order.items.map(({ sku, name, total }) => [sku, name, total.amount])).toEqual([
      ['85123A', 'Mug', '0.003'],
      ['85123a', '', '2.55'],
      ['85123A', 'Mug', '-11062.06'],
      ['85123A', 'Mug', '-11062.06'],
    ]);
    expect((await shop.orderOf('536366')).items[0]).toMatchObject({
      sku: ' 85123A ',
      name: 'WHITE, "HEART" ',
      quantity: -2,
    });
    expect(await shop.customers()).toEqual([
      { code: '17850', name: '17850', country: 'France' },
      { code: '17851', name: '17851', country: 'EIRE' },
    ]);
    expect(await shop.figures()).toMatchObject({
      orders: 2,
      topCustomers: [['17850', '-22121.567']],
      byCountry: [
        [null, '-20.00'],
        ['EIRE', '-22121.567'],
      ],
      days: [
        ['2010-12-01', '-20.00'],
        ['2011-07-01', '-22121.567'],
      ],
    });
  });

  it('tells kinds by their column, or by the prefix of the number', async () => {
    const lines = [
      line('C1', 'a'),
      line('CA1', 'a'),
      line('1', 'a'),
      line('C2', 'a', { kind: 'sale' }),
      line('3', 'a', { kind: 'return' }),
    ];
    await shop.import(lines, { kinds: 'C=return, CA=adjustment' });
    const kinds = await Promise.all(
      ['C1', 'CA1', '1', 'C2', '3'].map(async (number) => (await shop.orderOf(number)).kind),
    );
    expect(kinds).toEqual(['return', 'adjustment', 'sale', 'sale', 'return']);
    expect(await shop.refusal('orders.import', { content: 'x', kinds: 'C=retrun' })).toMatchObject({
      code: 'INVALID_INPUT',
      data: { issues: [{ field: 'kinds', nearest: 'return' }] },
    });
    expect(await shop.refusal('orders.import', { content: 'x', kinds: 'C' })).toMatchObject({ code: 'INVALID_INPUT' });
    expect(await shop.refusal('orders.import', { content: 'x', columns: 'a=nubmer' })).toMatchObject({
      code: 'INVALID_INPUT',
      data: { issues: [{ field: 'columns', nearest: 'number' }] },
    });
    expect(await shop.refusal('orders.import', {})).toMatchObject({ data: { issues: [{ field: 'content' }] } });
  });

  it('puts an order together that comes in two runs of rows, batches apart', async () => {
    const between = Array.from({ length: 1200 }, (_, index) => line(`B${index}`, 'b'));
    const long = Array.from({ length: 1114 }, (_, index) => line('573585', 'long', { quantity: `${index + 1}` }));
    const lines = [
      line('A', 'first', { placedAt: '2010-12-31 23:00' }),
      ...between,
      line('A', 'second', { customer: 'c', placedAt: '2011-01-01 01:00', kind: 'return' }),
      ...long,
      line('A', 'second', { customer: 'd' }),
    ];
    for (const run of [1, 2]) {
      expect(await shop.import(lines)).toMatchObject({ imported: 2317, failed: 0, orders: 1202, products: 4 });
      expect(await linesOf('A')).toEqual([
        [1, 'first', 1],
        [2, 'second', 1],
        [3, 'second', 1],
      ]);
      expect(await shop.orderOf('A')).toMatchObject({
        kind: 'sale',
        itemCount: 3,
        units: 3,
        total: { amount: '7.65' },
        version: run * 3,
      });
      expect(await linesOf('573585')).toEqual(long.map((_, index) => [index + 1, 'long', index + 1]));
      expect((await shop.figures())['months']).toEqual([['2010-12', expect.anything()]]);
      expect((await shop.figures())['topCustomers']).toEqual([['c', '7.65']]);
    }
  });

  it('writes over what an earlier import brought, in whatever month', async () => {
    await shop.import([line('1', 'a'), line('1', 'b'), line('1', 'c', { quantity: '5' }), line('2', 'a')]);
    const { id, createdAt } = await shop.orderOf('1');
    await shop.forgetStaleMonths();
    await shop.import([
      line('1', 'b', { placedAt: '2011-02-03T10:00Z', country: 'Spain', customer: 'x', kind: 'return' }),
    ]);
    expect(await shop.orderOf('1')).toMatchObject({
      id,
      createdAt,
      kind: 'return',
      country: 'Spain',
      itemCount: 1,
      units: 1,
      version: 2,
    });
    expect(await linesOf('1')).toEqual([[1, 'b', 1]]);
    expect((await shop.staleMonths()).map(({ month }) => month)).toEqual(['2010-12-01', '2011-02-01']);
    expect(await shop.figures()).toMatchObject({
      orders: 2,
      products: 2,
      months: [
        ['2010-12', '2.55'],
        ['2011-02', '2.55'],
      ],
    });
  });

  it('leaves orders alone that were taken here', async () => {
    const { id: productId } = await shop.product({ sku: 'mine' });
    const { number } = await shop.order([{ productId, quantity: 2 }], { number: '77' });
    const lines = [line('1', 'new'), line(number, 'other'), line('2', 'new'), line(number, 'other')];
    const fault = (at: number) => ({
      line: at,
      message: 'order 77 was not imported but taken here, and stays as it is',
    });
    expect(await shop.import(lines, { dryRun: true })).toMatchObject({
      imported: 0,
      failed: 2,
      errors: [fault(3), fault(5)],
    });
    expect(await shop.refusal('orders.import', { content: [header, ...lines].join('\n'), strict: true })).toMatchObject(
      {
        code: 'IMPORT_REFUSED',
        status: 422,
        data: { lines: 4, failed: 2, errors: [fault(3), fault(5)] },
      },
    );
    expect(await shop.import(lines)).toMatchObject({
      imported: 2,
      failed: 2,
      orders: 2,
      products: 1,
      errors: [fault(3), fault(5)],
    });
    expect(await shop.orderOf('77')).toMatchObject({ status: 'pending', itemCount: 1, version: 1 });
    await expect(shop.productOf('other')).rejects.toThrow('no product');
  });

  it('reports a broken line by its number and imports the others', async () => {
    const good = line('1', 'a');
    const bad: [string, RegExp][] = [
      [line('', 'a'), /^number is empty$/],
      [line('1', ' '), /^sku is empty$/],
      [line('1', 's'.repeat(65)), /^sku is longer than 64/],
      [line('1', 'a', { quantity: '1.5' }), /^quantity must be a whole number, not '1.5'$/],
      [line('1', 'a', { quantity: '0' }), /^quantity is 0$/],
      [line('1', 'a', { unitPrice: '£2' }), /^unitPrice must be a decimal number/],
      [line('1', 'a', { unitPrice: '999999999999', quantity: '999' }), /^quantity times unitPrice/],
      [line('1', 'a', { placedAt: '12/1/2010 8:26' }), /^placedAt must be an instant in ISO 8601/],
      [line('1', 'a', { kind: 'gift' }), /^kind must be one of/],
      [`${good},more`, /^has 10 cells where 9 were expected$/],
      ['1,"a,Mug,1', /^has text after a closing quote$|^opens a quote/],
      [line('1', 'a\0'), /^sku has a character that cannot be stored$/],
    ];
    const lines = bad.flatMap(([text]) => [text, good]);
    const report = await shop.import(lines);
    expect(report).toMatchObject({ lines: 24, imported: 12, failed: 12, orders: 1, products: 1 });
    for (const [index, [, message]] of bad.entries())
      expect(report.errors[index]).toEqual({ line: 2 + index * 2, message: expect.stringMatching(message) as string });
    expect(await shop.orderOf('1')).toMatchObject({ itemCount: 12 });
    expect(await shop.events()).toMatchObject([{ type: 'orders.imported', orders: 1, lines: 12 }]);
  });

  it('reads local times in the tenant’s zone, also where the clocks change', async () => {
    const times = {
      winter: ['2011-01-01T00:30', '2011-01-01T00:30:00.000Z'],
      summer: ['2011-07-01 00:30', '2011-06-30T23:30:00.000Z'],
      skipped: ['2011-03-27 01:30', '2011-03-27T01:30:00.000Z'],
      twice: ['2011-10-30 01:30', '2011-10-30T01:30:00.000Z'],
      zoned: ['2011-07-01T00:30:00+02:00', '2011-06-30T22:30:00.000Z'],
    };
    await shop.import(Object.entries(times).map(([number, [placedAt = '']]) => line(number, 'a', { placedAt })));
    for (const [number, [, instant]] of Object.entries(times))
      expect((await shop.orderOf(number)).placedAt.toISOString(), number).toBe(instant);
    expect((await shop.figures())['days']).toEqual(
      ['2011-01-01', '2011-03-27', '2011-06-30', '2011-07-01', '2011-10-30'].map((day) => [day, '2.55']),
    );
    const tokyo = await openImporter(kernel, { timeZone: 'Asia/Tokyo', currency: 'JPY' });
    await tokyo.import([
      line('1', 'a', { placedAt: '2010-12-31T15:00Z', unitPrice: '100' }),
      line('2', 'a', { placedAt: '2010-12-31', unitPrice: '1' }),
    ]);
    expect((await tokyo.figures())['days']).toEqual([
      ['2010-12-31', '1'],
      ['2011-01-01', '100'],
    ]);
    expect((await tokyo.figures({ from: '2011-01-01' }))['revenue']).toBe('100');
  });

  it('names a product by its newest description, and prices it by its newest price above zero', async () => {
    const day = (at: number, description: string, unitPrice: string) =>
      line(`${at}`, 'a', { placedAt: `2011-01-0${at}`, description, unitPrice });
    await shop.import([
      day(2, 'Second', '2'),
      day(5, 'Fifth', '5'),
      day(3, 'Third', '3'),
      day(6, '', '0'),
      day(7, '', '-7'),
    ]);
    expect(await shop.productOf('a')).toMatchObject({ name: 'Fifth', price: { amount: '5.00' } });
    await shop.import([day(4, 'Fourth', '4')]);
    expect(await shop.productOf('a')).toMatchObject({ name: 'Fifth', price: { amount: '5.00' } });
    await shop.import([day(5, 'Fifth again', '5.5'), line('n', 'nameless', { description: '', unitPrice: '0' })]);
    expect(await shop.productOf('a')).toMatchObject({ name: 'Fifth again', price: { amount: '5.50' } });
    expect(await shop.productOf('nameless')).toMatchObject({
      name: 'nameless',
      price: { amount: '0.00' },
      stock: null,
    });
    await shop.import([line('m', 'nameless', { placedAt: '1999-01-01', description: 'Named at last' })]);
    expect(await shop.productOf('nameless')).toMatchObject({ name: 'Named at last', price: { amount: '2.55' } });
    const { id } = await shop.productOf('a');
    await shop.call('products.update', { id, name: 'By hand' });
    const { version } = await shop.productOf('a');
    await shop.import([day(9, 'Ninth', '9')]);
    expect(await shop.productOf('a')).toMatchObject({ name: 'By hand', version });
  });

  it('tells of each batch by one event, and of renewed products', async () => {
    const lines = Array.from({ length: 1100 }, (_, index) =>
      line(`${Math.floor(index / 10)}`, 'a', { description: `Mug ${index}` }),
    );
    await shop.import(lines);
    const events = await shop.events();
    const imported = events.filter((event) => event.type === 'orders.imported');
    expect(imported).toEqual(
      [250, 250, 250, 250, 100].map((sent) => ({ type: 'orders.imported', orders: sent / 10, lines: sent })),
    );
    expect(events.filter((event) => event.type === 'products.imported')).toEqual([
      { type: 'products.imported', products: 1 },
    ]);
    expect(events).toHaveLength(6);
  });

  it('comes to the same figures after an import that broke off', async () => {
    const lines = Array.from({ length: 1700 }, (_, index) =>
      line(`${Math.floor(index / 7)}`, `s${index % 90}`, { customer: `c${index % 11}` }),
    );
    const text = [header, ...lines].join('\n');
    const broken = inPieces(text.slice(0, text.length * 0.7), 4096, new Error('the socket broke'));
    await expect(shop.stream('orders.import', broken, {})).rejects.toMatchObject({ code: 'INTERNAL' });
    expect((await shop.figures())['orders']).toBeGreaterThan(100);
    await shop.import(lines);
    const whole = await openImporter(kernel);
    await whole.import(lines);
    expect(await shop.figures()).toEqual(await whole.figures());
  });

  it('never mixes two imports of the same orders', async () => {
    const lines = Array.from({ length: 4000 }, (_, index) => line(`${index % 900}`, 'a', { quantity: `${index + 1}` }));
    const results = await Promise.allSettled([shop.import(lines), shop.import(lines)]);
    for (const result of results)
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'UNAVAILABLE', retryAfter: 10 });
    await shop.import(lines);
    expect(await shop.figures()).toMatchObject({ orders: 900, units: 8_002_000 });
  });

  it('is of one tenant', async () => {
    const other = await openImporter(kernel);
    await other.import([line('1', 'a', { customer: 'c' })]);
    await shop.import([line('1', 'a', { customer: 'c', quantity: '7' })]);
    expect((await other.figures())['units']).toBe(1);
    expect((await other.events()).map(({ type }) => type)).toEqual(['orders.imported', 'customers.imported']);
  });

  it('exports what another tenant imports to the same figures', async () => {
    const texts = [
      '=1+1',
      "'=1",
      "''@x",
      '-5',
      '+',
      '@me',
      '\tx',
      "'",
      "it's",
      'ü🛒',
      'a,"b"',
      ' spaced ',
      'two\nlines',
    ];
    const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
    await shop.import(
      texts.map((text, index) =>
        line(quoted(`${text}${index}`), quoted(text), {
          description: quoted(text),
          customer: index % 2 ? quoted(text) : '',
          country: quoted(text),
          placedAt: `2011-0${1 + (index % 9)}-0${1 + (index % 5)} 10:30`,
          unitPrice: `${index}.1234`,
          kind: index % 3 ? 'sale' : 'return',
        }),
      ),
    );
    const exported = await shop.exported();
    expect(exported).toHaveLength(texts.length);
    const other = await openImporter(kernel);
    const content = exported.map((item) => JSON.stringify(item)).join('\n');
    expect(await other.import([], { format: 'ndjson', content })).toMatchObject({ imported: texts.length, failed: 0 });
    expect(await other.exported()).toEqual(exported);
    expect(await other.figures()).toEqual(await shop.figures());
  });
});
