import type { Dashboard } from '@olympus/contracts';
import type { Database } from '@olympus/database';
import { DatabaseTimeout } from '@olympus/database';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { databases } from '../orders/testing.ts';
import { callerWith } from '../testing.ts';
import { dashboard } from './dashboard.ts';
import { inventSales, randomFrom, reckon } from './reckoning.ts';
import { sell, startFigures, type Sale, type TestFigures, type Trade } from './testing.ts';

const dayMs = 86_400_000;

describe.each(databases(process.env['TEST_DATABASE_URL']))('the dashboard, %s', (_, url) => {
  let kernel: TestFigures;
  let tenant: Database['tenant'];
  beforeAll(async () => {
    kernel = await startFigures(url);
    const whole = { ...kernel.database };
    tenant = (id) => whole.tenant(id);
  });
  beforeEach(() => void Object.assign(kernel.database, { tenant }));
  afterAll(() => kernel.close());

  const openShop = async (timeZone: string) => {
    const { accessToken: token } = await kernel.register({ timeZone, currency: 'GBP' });
    const { tenantId } = (await kernel.kernel.identify(callerWith(token))) ?? { tenantId: 'nobody' };
    const products: [string, string][] = [];
    for (const sku of ['A', 'B', 'C']) {
      const product = { sku, name: `Name of ${sku}`, price: { amount: '1', currency: 'GBP' } };
      products.push([(await kernel.call<{ id: string }>('products.create', product, { token })).id, sku]);
    }
    const trade: Trade = { tenantId, timeZone, products: new Map(products), customers: new Map() };
    const show = (days?: number) => kernel.call<Dashboard>('analytics.dashboard', { days }, { token });
    return { token, trade, show };
  };
  const invent = (trade: Trade, days: number): Sale[] => {
    const now = kernel.clock.now().getTime();
    const [from, to] = [now - days * dayMs, now].map((ms) => new Date(ms).toISOString()) as [string, string];
    const sales = inventSales(
      { ...trade, customers: new Map([['', '']]) },
      { count: 200, from, to, random: randomFrom(5) },
    );
    return sales.map((sale) => ({ ...sale, customer: null }));
  };
  /** From now on statements of which `pattern` is part fail. */
  const breakStatements = (pattern: string, error: () => Error) =>
    Object.assign(kernel.database, {
      tenant: (id: string) => ({
        ...tenant(id),
        rows: (statement: never) =>
          JSON.stringify(statement).includes(pattern) ? Promise.reject(error()) : tenant(id).rows(statement),
      }),
    });

  it.each([
    ['Pacific/Kiritimati', 20, 'day'],
    ['Pacific/Pago_Pago', 90, 'month'],
  ] as const)('shows the last days of the calendar in %s', async (timeZone, days, interval) => {
    const { trade, show } = await openShop(timeZone);
    const sales = invent(trade, 120);
    await sell(kernel.database, trade, sales);
    const today = new Intl.DateTimeFormat('sv-SE', { timeZone }).format(kernel.clock.now());
    const from = new Date(Date.parse(today) - (days - 1) * dayMs).toISOString().slice(0, 10);
    const { summary, byCountry, topProducts, ...expected } = reckon(trade, sales, { from, to: today });
    expect(expected.day.length).toBeGreaterThan(10);
    expect(await show(days)).toEqual({
      from,
      to: today,
      summary,
      errors: [],
      revenue: { items: expected[interval] },
      byCountry: { items: byCountry },
      topProducts: { items: topProducts },
      topCustomers: { items: [] },
    });
  });

  it('names a section that fails, delivers the others, and keeps no such answer', async () => {
    const { token, trade, show } = await openShop('UTC');
    const [productId] = trade.products.keys();
    await kernel.call('orders.create', { items: [{ productId, quantity: 2 }] }, { token });
    breakStatements('from top join customers', () => new Error('relation "secrets" is gone'));
    const broken = await show();
    expect(broken).toMatchObject({
      topCustomers: null,
      summary: { orders: 1 },
      topProducts: { items: [{ sku: 'A' }] },
    });
    expect(broken.errors).toEqual([
      { section: 'topCustomers', code: 'INTERNAL', message: expect.not.stringMatching(/secrets/) },
    ]);

    Object.assign(kernel.database, { tenant });
    const whole = await show();
    expect(whole).toMatchObject({ topCustomers: { items: [] }, errors: [] });
    breakStatements('', () => new Error('not to be asked'));
    expect(await show()).toEqual(whole);
  });

  it('says that the database is away, where no section is left', async () => {
    const { token, show } = await openShop('UTC');
    breakStatements('product_months', () => new DatabaseTimeout(10));
    expect((await show()).errors.map(({ section, code }) => [section, code])).toEqual([
      ['summary', 'UNAVAILABLE'],
      ['topProducts', 'UNAVAILABLE'],
    ]);
    breakStatements('', () => new DatabaseTimeout(10));
    expect(await kernel.refusal('analytics.dashboard', {}, { token })).toMatchObject({ code: 'UNAVAILABLE' });
  });

  it('logs what failed, whole', async () => {
    const { trade } = await openShop('UTC');
    breakStatements('o.country', () => new Error('for the operator'));
    const error = vi.fn();
    const ctx = {
      db: kernel.database.tenant(trade.tenantId),
      clock: kernel.clock,
      requestId: 'r1',
      principal: { timeZone: 'UTC', currency: 'GBP' },
      log: { error },
      keepNoAnswer: vi.fn(),
    };
    await dashboard({ input: { days: 1 }, ctx } as never);
    expect(error.mock.calls.map(([fields]) => fields)).toEqual([
      { requestId: 'r1', section: 'summary', err: new Error('for the operator') },
      { requestId: 'r1', section: 'byCountry', err: new Error('for the operator') },
    ]);
    expect(ctx.keepNoAnswer).toHaveBeenCalled();
  });
});
