import type { Order } from '@olympus/contracts';
import { sql } from '@olympus/database';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestKernel } from '../testing.ts';
import { databases, openShop, startShops, type Shop } from './testing.ts';

const nowhere = '01890a5d-ac96-774b-bcce-b302099a8057';

describe.each(databases(process.env['TEST_DATABASE_URL']))('placing orders, %s', (_, url) => {
  let kernel: TestKernel;
  let shop: Shop;
  beforeAll(async () => {
    kernel = await startShops(url);
    shop = await openShop(kernel);
  });
  afterAll(() => kernel.close());

  it('sells on the terms of now, and takes the stock', async () => {
    const mug = await shop.product({ name: 'Red mug', stock: 5 });
    const card = await shop.product({ name: 'Card', price: { amount: '0.5', currency: 'GBP' } });
    const [customerId, locationId] = [await shop.addCustomer(), await shop.addLocation()];
    const before = kernel.clock.now();
    const order = await shop.order(
      [
        { productId: mug.id, quantity: 2 },
        { productId: card.id, quantity: 3 },
      ],
      { customerId, locationId, country: 'France', notes: 'Gift' },
    );
    expect(order).toMatchObject({
      kind: 'sale',
      status: 'pending',
      customerId,
      locationId,
      createdBy: shop.userId,
      country: 'France',
      notes: 'Gift',
      itemCount: 2,
      units: 5,
      total: { amount: '23.48', currency: 'GBP' },
      version: 1,
      items: [
        { line: 1, productId: mug.id, sku: mug.sku, name: 'Red mug', quantity: 2, total: { amount: '21.98' } },
        { line: 2, productId: card.id, unitPrice: { amount: '0.50' }, total: { amount: '1.50' } },
      ],
    });
    expect(order.placedAt.getTime()).toBeGreaterThanOrEqual(before.getTime());
    expect(order.createdAt).toEqual(order.placedAt);
    expect(await shop.stockOf(mug.id)).toBe(3);
    expect(await shop.stockOf(card.id)).toBeNull();

    await shop.call('products.update', { id: mug.id, name: 'Blue mug', price: { amount: '99', currency: 'GBP' } });
    expect(await shop.call('orders.get', { id: order.id.toUpperCase() })).toEqual(order);
  });

  it('is exact in every decimal', async () => {
    const priced = (amount: string) => shop.product({ price: { amount, currency: 'GBP' } });
    const total = async (...lines: [amount: string, quantity: number][]) => {
      const items = [];
      for (const [amount, quantity] of lines) items.push({ productId: (await priced(amount)).id, quantity });
      return (await shop.order(items)).total.amount;
    };
    expect(await total(['0.001', 7])).toBe('0.007');
    expect(await total(['0.1', 1], ['0.2', 1])).toBe('0.30');
    expect(await total(['0.1235', 3], ['19.99', 1])).toBe('20.3605');
    expect(await total(['0.0001', 1_000_000], ['0.0001', 999_999])).toBe('199.9999');
    expect(await total(['999999999.9999', 999_999])).toBe('999998999999900.0001');
    const dear = await priced('999999999999999');
    const refusal = await shop.refusal('orders.create', { items: [{ productId: dear.id, quantity: 2 }] });
    expect(refusal).toMatchObject({ code: 'INVALID_INPUT', data: { issues: [{ field: 'items', code: 'too_big' }] } });
  });

  it('sums the lines of a product against its stock, and takes nothing when one is short', async () => {
    const plenty = await shop.product({ stock: 100 });
    const scarce = await shop.product({ stock: 3 });
    const items = [
      { productId: plenty.id, quantity: 1 },
      { productId: scarce.id, quantity: 2 },
      { productId: scarce.id, quantity: 2 },
    ];
    expect(await shop.refusal('orders.create', { items })).toMatchObject({
      code: 'OUT_OF_STOCK',
      status: 409,
      data: { productId: scarce.id, sku: scarce.sku, requested: 4, available: 3 },
    });
    expect([await shop.stockOf(plenty.id), await shop.stockOf(scarce.id)]).toEqual([100, 3]);
    const fitting = await shop.order([items[0]!, items[1]!, { ...items[2]!, quantity: 1 }]);
    expect(fitting.items.map(({ line, quantity }) => [line, quantity])).toEqual([
      [1, 1],
      [2, 2],
      [3, 1],
    ]);
    expect(await shop.stockOf(scarce.id)).toBe(0);
  });

  it('names what is missing', async () => {
    const { id: productId } = await shop.product();
    const archived = await shop.product();
    await shop.call('products.archive', { id: archived.id });
    const items = [{ productId, quantity: 1 }];
    const refusal = (input: object) => shop.refusal('orders.create', { items, ...input });
    expect(await refusal({ items: [{ productId: nowhere, quantity: 1 }] })).toMatchObject({
      code: 'PRODUCT_NOT_FOUND',
      status: 404,
      data: { id: nowhere },
    });
    expect(await refusal({ items: [{ productId: archived.id, quantity: 1 }] })).toMatchObject({
      code: 'PRODUCT_INACTIVE',
      data: { id: archived.id },
    });
    expect(await refusal({ customerId: nowhere })).toMatchObject({ code: 'CUSTOMER_NOT_FOUND', data: { id: nowhere } });
    expect(await refusal({ locationId: nowhere })).toMatchObject({ code: 'LOCATION_NOT_FOUND', data: { id: nowhere } });
    expect(await refusal({ items: [] })).toMatchObject({ code: 'INVALID_INPUT' });
    expect(await refusal({ items: [{ productId, quantity: 0 }] })).toMatchObject({ code: 'INVALID_INPUT' });
  });

  it('numbers orders one after the other, past the numbers that are given', async () => {
    const own = await openShop(kernel);
    const { id: productId } = await own.product();
    const place = (number?: string) => own.order([{ productId, quantity: 1 }], number === undefined ? {} : { number });
    expect((await place()).number).toBe('100001');
    await place('100002');
    await place('100003');
    await place('100005');
    expect((await place()).number).toBe('100004');
    expect((await place()).number).toBe('100006');
    expect((await place('A-7')).number).toBe('A-7');
    expect(await own.refusal('orders.create', { items: [{ productId, quantity: 1 }], number: 'A-7' })).toMatchObject({
      code: 'ORDER_NUMBER_TAKEN',
      status: 409,
      data: { number: 'A-7' },
    });
    expect((await place()).number).toBe('100007');
  });

  it('places the order on the day of the tenant’s calendar, and marks its month', async () => {
    for (const timeZone of ['Pacific/Kiritimati', 'Pacific/Pago_Pago']) {
      const far = await openShop(kernel, { timeZone });
      const { id: productId } = await far.product();
      const { id, placedAt } = await far.order([{ productId, quantity: 1 }]);
      const day = new Intl.DateTimeFormat('en-CA', { timeZone }).format(placedAt);
      const placed = { placedFrom: day, placedTo: day };
      expect(await far.call('orders.list', placed)).toMatchObject({ items: [{ id }] });
      expect(await far.staleMonths()).toEqual([{ month: `${day.slice(0, 7)}-01`, markedAt: placedAt }]);

      kernel.clock.advance(5);
      const later = await far.order([{ productId, quantity: 1 }]);
      expect(await far.staleMonths()).toMatchObject([{ markedAt: later.placedAt }]);
    }
  });

  it('tells of the order and of the stock that changed, in the transaction that changes them', async () => {
    const own = await openShop(kernel);
    const mug = await own.product({ stock: 2 });
    const card = await own.product();
    const items = [
      { productId: mug.id, quantity: 2 },
      { productId: card.id, quantity: 1 },
    ];
    const order = await own.order(items);
    const told = (await own.events()).slice(2);
    expect(told.map(({ type }) => type)).toEqual(['order.created', 'product.updated']);
    expect(told[0]).toEqual({ type: 'order.created', orderId: order.id, order: JSON.parse(JSON.stringify(order)) });
    expect(told[1]).toMatchObject({ productId: mug.id, product: { id: mug.id, stock: 0, version: 2 } });

    await own.refusal('orders.create', { items });
    expect(await own.events()).toHaveLength(4);
  });

  it('answers a key once', async () => {
    const { id: productId } = await shop.product({ stock: 10 });
    const input = { items: [{ productId, quantity: 1 }] };
    const [first, second] = await Promise.allSettled([
      shop.call<Order>('orders.create', input, 'key-1'),
      shop.call<Order>('orders.create', input, 'key-1'),
    ]);
    expect(second).toMatchObject({ status: 'rejected', reason: { code: 'IDEMPOTENCY_IN_PROGRESS' } });
    if (first?.status !== 'fulfilled') throw new Error('the first call failed');
    expect(await shop.call('orders.create', input, 'key-1')).toEqual(first.value);
    expect(await shop.stockOf(productId)).toBe(9);
    const other = { items: [{ productId, quantity: 2 }] };
    expect(await shop.refusal('orders.create', other, 'key-1')).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
    expect(await shop.stockOf(productId)).toBe(9);

    const tooMany = { items: [{ productId, quantity: 10 }] };
    expect(await shop.refusal('orders.create', tooMany, 'key-2')).toMatchObject({ code: 'OUT_OF_STOCK' });
    await shop.call('products.adjustStock', { id: productId, delta: 100 });
    expect(await shop.refusal('orders.create', tooMany, 'key-2')).toMatchObject({ data: { available: 9 } });
  });

  it('keeps tenants apart', async () => {
    const other = await openShop(kernel);
    const mine = await shop.product({ stock: 1 });
    const customerId = await shop.addCustomer();
    const order = await shop.order([{ productId: mine.id, quantity: 1 }]);
    const theirs = await other.product();
    expect(await other.refusal('orders.get', { id: order.id })).toMatchObject({ code: 'ORDER_NOT_FOUND' });
    expect(await other.refusal('orders.update', { id: order.id, notes: 'x' })).toMatchObject({
      code: 'ORDER_NOT_FOUND',
    });
    expect(await other.refusal('orders.cancel', { id: order.id })).toMatchObject({ code: 'ORDER_NOT_FOUND' });
    expect(await other.call('orders.list', {})).toMatchObject({ items: [] });
    const buying = (items: object[], more = {}) => other.refusal('orders.create', { items, ...more });
    expect(await buying([{ productId: mine.id, quantity: 1 }])).toMatchObject({ code: 'PRODUCT_NOT_FOUND' });
    expect(await buying([{ productId: theirs.id, quantity: 1 }], { customerId })).toMatchObject({
      code: 'CUSTOMER_NOT_FOUND',
    });
    expect(await shop.call('orders.get', { id: order.id })).toEqual(order);
    // The number is free in each tenant.
    const again = await other.order([{ productId: theirs.id, quantity: 1 }], { number: order.number });
    expect(again.number).toBe(order.number);
  });

  it('finds the next free number behind twenty thousand given ones', async () => {
    const own = await openShop(kernel);
    const { id: productId } = await own.product();
    const { id } = await own.order([{ productId, quantity: 1 }]);
    await kernel.database.transaction(own.tenantId, (db) =>
      db.rows(sql`
        insert into orders (tenant_id, id, number, kind, status, item_count, units, total, currency, placed_at, placed_on, created_at, updated_at)
        select o.tenant_id, gen_random_uuid(), n::text, o.kind, o.status, 0, 0, 0, o.currency, o.placed_at, o.placed_on, o.created_at, o.updated_at
        from orders o, generate_series(100002, 120123) n where o.tenant_id = ${own.tenantId}::uuid and o.id = ${id}::uuid`),
    );
    expect((await own.order([{ productId, quantity: 1 }])).number).toBe('120124');
  });

  it('takes no payment where nobody is there to take it', async () => {
    const { id: productId } = await shop.product({ stock: 1 });
    const input = { items: [{ productId, quantity: 1 }], payment: { method: 'sim_card' } };
    expect(await shop.refusal('orders.create', input)).toMatchObject({ code: 'PAYMENTS_OFF', status: 422 });
    expect(await shop.stockOf(productId)).toBe(1);
  });
});
