import type { OrderSummary, Product } from '@olympus/contracts';
import { sql } from '@olympus/database';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Page } from '../paging.ts';
import type { TestKernel } from '../testing.ts';
import { databases, openShop, startShops, type Shop } from './testing.ts';

const hour = 3_600_000;

describe.each(databases(process.env['TEST_DATABASE_URL']))('lists of orders and products, %s', (_, url) => {
  let kernel: TestKernel;
  let shop: Shop;
  let orders: OrderSummary[];
  beforeAll(async () => {
    kernel = await startShops(url);
    shop = await openShop(kernel);
    orders = await seed();
  });
  afterAll(() => kernel.close());

  /** 60 orders, several of them at one instant and of one total, over ten days. */
  async function seed(): Promise<OrderSummary[]> {
    const products: Product[] = [];
    for (const amount of ['1', '2.5', '9', '10', '100'])
      products.push(await shop.product({ price: { amount, currency: 'GBP' } }));
    const customerId = await shop.addCustomer();
    const placed = [];
    for (let i = 0; i < 60; i++) {
      const items = [{ productId: products[i % 5]!.id, quantity: 1 }];
      placed.push(await shop.order(items, { ...(i % 3 ? {} : { customerId }), number: `${i % 2 ? 'A' : 'b'}${i}` }));
    }
    await kernel.database.transaction(shop.tenantId, (db) =>
      db.rows(sql`
        update orders o set placed_at = d.at, placed_on = (d.at at time zone 'Europe/London')::date,
          created_at = now() - d.turn * interval '1 minute',
          status = (array['pending', 'completed', 'cancelled'])[1 + d.turn % 3], kind = case when d.turn % 7 = 0 then 'return' else 'sale' end
        from (select id, row_number() over (order by id) as turn,
                     timestamptz '2011-03-20T22:30:00Z' + (row_number() over (order by id) / 4) * interval '16 hours' as at
              from orders where tenant_id = ${shop.tenantId}::uuid) d
        where o.tenant_id = ${shop.tenantId}::uuid and o.id = d.id`),
    );
    const page = await list({ limit: 100 });
    expect(page.items).toHaveLength(60);
    return page.items;
  }

  const list = (input: object) => shop.call<Page<OrderSummary>>('orders.list', input);
  const idsOf = (items: readonly { id: string }[]) => items.map(({ id }) => id);

  /** Everything, page by page: to the end by `nextCursor`, and back to the start by `previousCursor`. */
  async function walk<T extends { id: string }>(path: string, input: object): Promise<{ there: T[]; back: T[] }> {
    const there: T[] = [];
    const back: T[] = [];
    let page = await shop.call<Page<T>>(path, { ...input, limit: 7 });
    expect(page.previousCursor).toBeNull();
    for (;;) {
      there.push(...page.items);
      if (page.nextCursor === null) break;
      page = await shop.call<Page<T>>(path, { ...input, limit: 7, cursor: page.nextCursor });
    }
    for (;;) {
      back.unshift(...page.items);
      if (page.previousCursor === null) break;
      page = await shop.call<Page<T>>(path, { ...input, limit: 7, cursor: page.previousCursor });
    }
    return { there, back };
  }

  const amount = ({ total }: OrderSummary) => Number(total.amount);
  const bytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
  const orderings: [sort: string, compare: (a: OrderSummary, b: OrderSummary) => number][] = [
    ['placedAt', (a, b) => a.placedAt.getTime() - b.placedAt.getTime() || bytes(a.id, b.id)],
    ['createdAt', (a, b) => a.createdAt.getTime() - b.createdAt.getTime() || bytes(a.id, b.id)],
    ['number', (a, b) => bytes(a.number, b.number)],
    ['total', (a, b) => amount(a) - amount(b) || bytes(a.id, b.id)],
    [
      'total,-placedAt',
      (a, b) => amount(a) - amount(b) || b.placedAt.getTime() - a.placedAt.getTime() || bytes(b.id, a.id),
    ],
    ['-total,number', (a, b) => amount(b) - amount(a) || bytes(a.number, b.number)],
  ];
  const reversed = (sort: string) => (sort.includes(',') ? sort : `-${sort}`);

  it.each(orderings)('pages by %s there and back', async (sort, compare) => {
    for (const [by, order] of [
      [sort, compare],
      [reversed(sort), sort.includes(',') ? compare : (a: OrderSummary, b: OrderSummary) => compare(b, a)],
    ] as const) {
      const expected = idsOf([...orders].sort(order));
      const { there, back } = await walk<OrderSummary>('orders.list', { sort: by });
      expect(idsOf(there)).toEqual(expected);
      expect(idsOf(back)).toEqual(expected);
    }
  });

  it('stays in place while orders come and go', async () => {
    const own = await openShop(kernel);
    const { id: productId } = await own.product();
    const place = () => own.order([{ productId, quantity: 1 }]);
    const first = [];
    for (let i = 0; i < 6; i++) {
      first.unshift((await place()).id);
      kernel.clock.advance(1000);
    }
    const one = await own.call<Page<OrderSummary>>('orders.list', { limit: 3 });
    await place();
    const two = await own.call<Page<OrderSummary>>('orders.list', { limit: 3, cursor: one.nextCursor });
    expect([...idsOf(one.items), ...idsOf(two.items)]).toEqual(first);
    const again = await own.call<Page<OrderSummary>>('orders.list', { limit: 3, cursor: two.previousCursor });
    expect(idsOf(again.items)).toEqual(idsOf(one.items));
    expect(again.previousCursor).not.toBeNull();
  });

  it('filters, alone and together', async () => {
    const expecting = async (input: object, belongs: (order: OrderSummary) => boolean) => {
      const page = await list({ ...input, limit: 100, withTotal: true });
      const expected = idsOf(orders.filter(belongs));
      expect(expected.length).toBeGreaterThan(0);
      expect(expected.length).toBeLessThan(60);
      expect(idsOf(page.items)).toEqual(expected);
      expect(page.totalCount).toBe(expected.length);
    };
    const customerId = orders.find((order) => order.customerId)!.customerId!;
    await expecting({ status: 'completed' }, ({ status }) => status === 'completed');
    await expecting({ kind: 'return' }, ({ kind }) => kind === 'return');
    await expecting({ customerId: customerId.toUpperCase() }, (order) => order.customerId === customerId);
    await expecting({ totalFrom: '9.0000', totalTo: '10' }, (order) => amount(order) >= 9 && amount(order) <= 10);
    await expecting({ totalFrom: '9.0001' }, (order) => amount(order) > 9);
    await expecting({ q: 'A1' }, ({ number }) => number.startsWith('A1'));
    await expecting({ q: 'b' }, ({ number }) => number.startsWith('b'));
    await expecting(
      { status: 'pending', totalTo: '9', q: 'A' },
      (order) => order.status === 'pending' && amount(order) <= 9 && order.number.startsWith('A'),
    );
    expect((await list({ q: 'a1' })).items).toEqual([]);
    expect((await list({ q: "A1' or '1'='1" })).items).toEqual([]);
    expect((await list({ q: '%' })).items).toEqual([]);
  });

  it('filters by days of the tenant’s calendar, both included', async () => {
    // London is at UTC until 27 March 2011 and an hour ahead from then on.
    const day = ({ placedAt }: OrderSummary) =>
      new Date(placedAt.getTime() + (placedAt >= new Date('2011-03-27T01:00:00Z') ? hour : 0))
        .toISOString()
        .slice(0, 10);
    const days = [...new Set(orders.map(day))];
    expect(days.length).toBeGreaterThan(8);
    for (const from of days)
      for (const to of [from, days[0]!]) {
        const page = await list({ placedFrom: from, placedTo: to, limit: 100 });
        expect(idsOf(page.items)).toEqual(idsOf(orders.filter((order) => day(order) >= from && day(order) <= to)));
      }
    expect((await list({ placedFrom: '2030-01-01' })).items).toEqual([]);
    expect((await list({ placedTo: '2030-01-01', limit: 100 })).items).toHaveLength(60);
  });

  it('answers with summaries as they are stored', async () => {
    const one = orders[0]!;
    const { items, ...summary } = await shop.call<OrderSummary & { items: object[] }>('orders.get', { id: one.id });
    expect(summary).toEqual(one);
    expect(items).toHaveLength(one.itemCount);
  });

  it('refuses cursors of other lists, tenants and sorts', async () => {
    const other = await openShop(kernel);
    const { nextCursor } = await list({ limit: 2 });
    const refusal = { code: 'INVALID_INPUT', data: { issues: [{ field: 'cursor' }] } };
    expect(await other.refusal('orders.list', { cursor: nextCursor })).toMatchObject(refusal);
    expect(await shop.refusal('orders.list', { cursor: nextCursor, sort: 'number' })).toMatchObject(refusal);
    expect(await shop.refusal('products.list', { cursor: nextCursor })).toMatchObject(refusal);
    expect(await shop.refusal('orders.list', { cursor: 'abc' })).toMatchObject(refusal);
    expect(await shop.refusal('orders.list', { sort: 'price' })).toMatchObject({
      data: { issues: [{ field: 'sort' }] },
    });
  });

  it('finds products by words, by the start of a sku, by a sku, by state', async () => {
    const own = await openShop(kernel);
    const add = (sku: string, name: string, description?: string) =>
      own.product({ sku, name, ...(description ? { description } : {}) });
    const mug = await add('85123A', 'Red MUG 100%', 'for tea');
    const plate = await add('85123a', 'Red plate', 'for a_cake');
    const tray = await add('RED-1', 'Tray');
    await own.call('products.archive', { id: tray.id });
    const find = async (input: object) =>
      (await own.call<Page<Product>>('products.list', { sort: 'sku', ...input })).items.map(({ sku }) => sku);
    expect(await find({ q: 'red' })).toEqual([mug.sku, plate.sku]);
    expect(await find({ q: 'mug  red' })).toEqual([mug.sku]);
    expect(await find({ q: 'red tea' })).toEqual([mug.sku]);
    expect(await find({ q: '0%' })).toEqual([mug.sku]);
    expect(await find({ q: 'a_c' })).toEqual([plate.sku]);
    expect(await find({ q: '%' })).toEqual([mug.sku]);
    expect(await find({ q: '8512' })).toEqual([mug.sku, plate.sku]);
    expect(await find({ q: 'RED-' })).toEqual([tray.sku]);
    expect(await find({ sku: '85123a' })).toEqual([plate.sku]);
    expect(await find({ sku: '8512' })).toEqual([]);
    expect(await find({ active: false })).toEqual([tray.sku]);
    expect(await find({ active: true })).toEqual([mug.sku, plate.sku]);
    expect(await find({ sort: '-sku' })).toEqual([tray.sku, plate.sku, mug.sku]);
  });

  it.each(['createdAt', 'name', 'sku', 'price', '-price,name'])('pages products by %s there and back', async (sort) => {
    if (sort === 'createdAt')
      for (let i = 0; i < 20; i++)
        await shop.product({ name: `Product ${i % 4}`, price: { amount: String(i % 3), currency: 'GBP' } });
    const whole = await shop.call<Page<Product>>('products.list', { sort, limit: 100 });
    const { there, back } = await walk<Product>('products.list', { sort });
    expect(idsOf(there)).toEqual(idsOf(whole.items));
    expect(idsOf(back)).toEqual(idsOf(whole.items));
    expect(new Set(idsOf(there)).size).toBe(25);
  });
});
