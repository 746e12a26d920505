import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sql } from '@olympus/database';
import { rollUp } from '../../jobs/rollup.ts';
import { databases } from '../orders/testing.ts';
import { callerWith } from '../testing.ts';
import * as figures from './figures.ts';
import { rangeOf } from './range.ts';
import { inventSales, randomFrom, reckon, type Range } from './reckoning.ts';
import { move, openTrade, sell, startFigures, type Sale, type TestFigures, type Trade } from './testing.ts';

const ranges: Range[] = [
  {},
  { from: '2010-01-01' },
  { to: '2010-12-31' },
  { from: '2010-02-01', to: '2010-02-28' },
  { from: '2010-02-15', to: '2011-05-10' },
  { from: '2010-03-10', to: '2010-03-20' },
  { from: '2010-01-31', to: '2010-03-01' },
  { from: '2010-07-02', to: '2010-08-31' },
  { from: '2010-07-01', to: '2010-08-30' },
  { from: '2010-07-15', to: '2010-08-15' },
  { from: '2010-05-05', to: '2010-05-05' },
  { from: '2011-06-20' },
  { to: '2009-12-31' },
  { from: '2020-01-01', to: '2020-12-31' },
];

describe.each(databases(process.env['TEST_DATABASE_URL']))('figures, %s', (_, url) => {
  let kernel: TestFigures;
  beforeAll(async () => {
    kernel = await startFigures(url);
  });
  afterAll(() => kernel.close());

  const read = async ({ tenantId }: Trade, range: Range, limit = 100) => {
    const books = { db: kernel.database.tenant(tenantId), currency: 'GBP' };
    const days = rangeOf(range);
    const period = async (interval: 'day' | 'week' | 'month') => (await figures.revenue(books, days, interval)).items;
    return {
      summary: await figures.summary(books, days),
      day: await period('day'),
      week: await period('week'),
      month: await period('month'),
      byCountry: (await figures.byCountry(books, days, limit)).items,
      topProducts: (await figures.topProducts(books, days, limit)).items,
      topCustomers: (await figures.topCustomers(books, days, limit)).items,
    };
  };
  const counts = async ({ tenantId }: Trade) => {
    const [row] = await kernel.database.tenant(tenantId).rows<{ stale: string; months: string }>(sql`
      select (select count(*) from stale_months) as stale, (select count(distinct month) from product_months) as months`);
    return { stale: Number(row?.stale), months: Number(row?.months) };
  };
  const later = { now: () => new Date(Date.now() + 60_000) };
  const rollUpAll = async () => {
    while ((await rollUp({ database: kernel.database, clock: later }, 50)) > 0);
  };

  it('equal what is reckoned without the database: not rolled up, rolled up, and half of each', async () => {
    const trade = await openTrade(kernel.database, kernel.ids, {
      timeZone: 'Pacific/Auckland',
      products: 30,
      customers: 20,
    });
    const random = randomFrom(7);
    const sales = inventSales(trade, { count: 900, from: '2009-12-20', to: '2011-07-20', random });
    await sell(kernel.database, trade, sales);
    const compare = async () => {
      for (const range of ranges)
        expect(await read(trade, range), JSON.stringify(range)).toEqual(reckon(trade, sales, range));
    };
    expect(await counts(trade)).toEqual({ stale: 20, months: 0 });
    await compare();
    await rollUpAll();
    expect(await counts(trade)).toEqual({ stale: 0, months: 20 });
    await compare();

    const july = sales.filter(({ at, status }) => status === 'completed' && at.toISOString().startsWith('2010-07-1'));
    for (const sale of july.slice(0, 3)) await move(kernel.database, sale, { trade, status: 'refunded' });
    const more = inventSales(trade, { count: 20, from: '2010-02-10', to: '2010-02-12', random });
    await sell(kernel.database, trade, more);
    sales.push(...more);
    expect(await counts(trade)).toEqual({ stale: 2, months: 20 });
    await compare();
    await rollUpAll();
    expect(await counts(trade)).toEqual({ stale: 0, months: 20 });
    await compare();
  }, 60_000);

  it('forget a product whose sales have all been cancelled', async () => {
    const trade = await openTrade(kernel.database, kernel.ids, { products: 2, customers: 1 });
    const sales = [...trade.products.keys()].map((product) =>
      saleOf({ lines: [{ product, quantity: 2, unitPrice: '1.5' }] }),
    );
    await sell(kernel.database, trade, sales);
    await rollUpAll();
    expect((await read(trade, {})).summary).toMatchObject({ products: 2, revenue: { amount: '6.00' } });
    await move(kernel.database, sales[0] as Sale, { trade, status: 'cancelled' });
    for (const rolledUp of [false, true]) {
      if (rolledUp) await rollUpAll();
      const { summary, topProducts } = await read(trade, {});
      expect(summary).toMatchObject({ products: 1, orders: 1, revenue: { amount: '3.00' } });
      expect(topProducts.map(({ productId }) => productId)).toEqual([sales[1]?.lines[0]?.product]);
    }
  });

  it('lie in the days, weeks and months of the tenant’s calendar', async () => {
    const trade = await openTrade(kernel.database, kernel.ids, { timeZone: 'Asia/Tokyo', products: 1 });
    const [product = ''] = trade.products.keys();
    const lines = [{ product, quantity: 1, unitPrice: '1' }];
    // In Tokyo: Sunday the 3rd, Monday the 4th, and the last moment of the year.
    const instants = ['2010-01-02T23:30:00Z', '2010-01-03T15:00:00Z', '2010-12-31T14:59:59.999Z'];
    await sell(
      kernel.database,
      trade,
      instants.map((at) => saleOf({ at: new Date(at), lines })),
    );
    const { day, week, month } = await read(trade, {});
    expect(day.map(({ period }) => period)).toEqual(['2010-01-03', '2010-01-04', '2010-12-31']);
    expect(week.map(({ period }) => period)).toEqual(['2009-W53', '2010-W01', '2010-W52']);
    expect(month).toEqual([
      { period: '2010-01', revenue: { amount: '2.00', currency: 'GBP' }, orders: 2 },
      { period: '2010-12', revenue: { amount: '1.00', currency: 'GBP' }, orders: 1 },
    ]);
    expect((await read(trade, { to: '2010-01-03' })).summary.orders).toBe(1);
    expect((await read(trade, { from: '2010-01-04' })).summary.orders).toBe(2);
  });

  it('are nothing where nothing was sold, and never another tenant’s', async () => {
    const trade = await openTrade(kernel.database, kernel.ids, { products: 1 });
    const none = { amount: '0.00', currency: 'GBP' };
    const counts = { orders: 0, customers: 0, products: 0, countries: 0, units: 0 };
    expect(await read(trade, {})).toEqual({
      summary: { revenue: none, averageOrder: none, ...counts },
      day: [],
      week: [],
      month: [],
      byCountry: [],
      topProducts: [],
      topCustomers: [],
    });
  });

  it('are cut at the limit after ties are decided by sku, name and country', async () => {
    const trade = await openTrade(kernel.database, kernel.ids, { products: 9, customers: 9 });
    const customers = [...trade.customers.keys()].reverse();
    const sales = [...trade.products.keys()].reverse().map((product, index) =>
      saleOf({
        customer: customers[index] ?? null,
        country: index === 0 ? null : `Land ${9 - index}`,
        lines: [{ product, quantity: 1, unitPrice: '2.5' }],
      }),
    );
    // Of nobody, and worth more than all others.
    sales.push(
      saleOf({
        country: 'Land 1',
        lines: [{ product: sales[8]?.lines[0]?.product ?? '', quantity: 9, unitPrice: '9' }],
      }),
    );
    await sell(kernel.database, trade, sales);
    const { topProducts, topCustomers, byCountry } = await read(trade, {}, 3);
    expect(topProducts.map(({ sku }) => sku)).toEqual(['P0', 'P1', 'P2']);
    expect(topCustomers.map(({ customer }) => customer)).toEqual(['C1', 'C2', 'C4']);
    expect(byCountry.map(({ country }) => country)).toEqual(['Land 1', 'Land 2', 'Land 3']);
  });

  it('follow orders at once, although answers are kept', async () => {
    const { accessToken: token } = await kernel.register({ timeZone: 'Europe/London', currency: 'GBP' });
    const tenantOf = async (credential: string) =>
      (await kernel.kernel.identify(callerWith(credential)))?.tenantId ?? 'nobody';
    const product = { sku: 'A', name: 'a', price: { amount: '1.2345', currency: 'GBP' } };
    const { id: productId } = await kernel.call<{ id: string }>('products.create', product, { token });
    const place = () =>
      kernel.call<{ id: string }>('orders.create', { items: [{ productId, quantity: 3 }] }, { token });
    const summary = () => kernel.call<{ orders: number; revenue: unknown }>('analytics.summary', {}, { token });
    expect(await summary()).toMatchObject({ orders: 0 });
    const [first, second] = [await place(), await place()];
    expect(await summary()).toMatchObject({ orders: 2, revenue: { amount: '7.407' } });
    const tenantId = await tenantOf(token);
    await kernel.database.transaction(tenantId, (db) => db.rows(sql`update orders set units = 50`));
    expect(await summary()).toMatchObject({ units: 6 });
    await kernel.call('orders.cancel', { id: first.id }, { token });
    expect(await summary()).toMatchObject({ orders: 1, units: 50 });
    for (const status of ['confirmed', 'preparing', 'ready', 'completed', 'refunded'])
      await kernel.call('orders.setStatus', { id: second.id, status }, { token });
    expect(await summary()).toMatchObject({ orders: 0 });
  });

  it('name the field of a range that ends before it begins', async () => {
    const { accessToken: token } = await kernel.register();
    for (const path of ['summary', 'revenue', 'byCountry', 'topProducts', 'topCustomers'])
      expect(
        await kernel.refusal(`analytics.${path}`, { from: '2011-01-01', to: '2010-12-31' }, { token }),
      ).toMatchObject({
        code: 'INVALID_INPUT',
        data: { issues: [{ field: 'from', message: 'must not be after to, which is 2010-12-31' }] },
      });
    expect(await kernel.refusal('analytics.summary', { from: '0000-01-01' }, { token })).toMatchObject({
      data: { issues: [{ field: 'from' }] },
    });
    await kernel.call('analytics.topProducts', { from: '0001-01-01', to: '9999-12-31' }, { token });
  });
});

const saleOf = (sale: Partial<Sale> & Pick<Sale, 'lines'>): Sale => ({
  id: randomUUID(),
  kind: 'sale',
  status: 'completed',
  customer: null,
  country: null,
  at: new Date('2010-06-15T12:00:00Z'),
  ...sale,
});
