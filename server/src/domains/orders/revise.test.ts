import { OrderStatus, transitions, type Order, type Product } from '@olympus/contracts';
import { sql } from '@olympus/database';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestKernel } from '../testing.ts';
import { databases, openShop, startShops, type Shop } from './testing.ts';

const nowhere = '01890a5d-ac96-774b-bcce-b302099a8057';

describe.each(databases(process.env['TEST_DATABASE_URL']))('changing orders, %s', (_, url) => {
  let kernel: TestKernel;
  let shop: Shop;
  let mug: Product;
  beforeAll(async () => {
    kernel = await startShops(url);
    shop = await openShop(kernel);
    mug = await shop.product({ stock: 100_000 });
  });
  afterAll(() => kernel.close());

  const put = (id: string, status: OrderStatus) =>
    kernel.database.transaction(shop.tenantId, (db) =>
      db.rows(sql`update orders set status = ${status} where tenant_id = ${shop.tenantId}::uuid and id = ${id}::uuid`),
    );

  describe.each(OrderStatus.options)('from %s', (from) => {
    it.each(OrderStatus.options)('to %s', async (to) => {
      const order = await shop.order([{ productId: mug.id, quantity: 3 }]);
      await put(order.id, from);
      await shop.forgetStaleMonths();
      const stock = (await shop.stockOf(mug.id)) ?? 0;
      const told = (await shop.events()).length;
      const allowed = transitions[from];

      if (!allowed.includes(to)) {
        expect(await shop.refusal('orders.setStatus', { id: order.id, status: to })).toMatchObject({
          code: 'ILLEGAL_TRANSITION',
          status: 409,
          data: { from, to, allowed },
        });
        expect(await shop.call('orders.get', { id: order.id })).toMatchObject({ status: from, version: 1 });
        expect(await shop.events()).toHaveLength(told);
        expect(await shop.stockOf(mug.id)).toBe(stock);
        return;
      }
      const changed = await shop.call<Order>('orders.setStatus', { id: order.id, status: to });
      expect(changed).toEqual({ ...order, status: to, version: 2, updatedAt: changed.updatedAt });
      expect(await shop.call('orders.get', { id: order.id })).toEqual(changed);
      expect(await shop.stockOf(mug.id)).toBe(to === 'cancelled' ? stock + 3 : stock);
      expect(await shop.staleMonths()).toHaveLength(to === 'cancelled' || to === 'refunded' ? 1 : 0);
      const [event, ...further] = (await shop.events()).slice(told);
      expect(event).toMatchObject({ type: 'order.updated', orderId: order.id, order: { status: to } });
      expect(further.map(({ type }) => type)).toEqual(to === 'cancelled' ? ['product.updated'] : []);
    });
  });

  it('cancels with a reason, once', async () => {
    const order = await shop.order([{ productId: mug.id, quantity: 1 }], { notes: 'Ring twice' });
    const before = (await shop.stockOf(mug.id)) ?? 0;
    expect(await shop.call('orders.cancel', { id: order.id, reason: 'changed her mind' })).toMatchObject({
      status: 'cancelled',
      notes: 'Ring twice\nCancelled: changed her mind',
      items: order.items,
    });
    expect(await shop.refusal('orders.cancel', { id: order.id })).toMatchObject({
      code: 'ILLEGAL_TRANSITION',
      data: { from: 'cancelled', to: 'cancelled', allowed: [] },
    });
    expect(await shop.stockOf(mug.id)).toBe(before + 1);
  });

  it('changes notes in any state, and nothing when nothing is named', async () => {
    const order = await shop.order([{ productId: mug.id, quantity: 1 }], { notes: 'first' });
    await put(order.id, 'completed');
    await shop.forgetStaleMonths();
    expect(await shop.call('orders.update', { id: order.id, notes: 'second' })).toMatchObject({
      notes: 'second',
      version: 2,
      items: order.items,
      total: order.total,
    });
    expect(await shop.call('orders.update', { id: order.id, notes: null })).toMatchObject({ notes: null, version: 3 });
    const told = (await shop.events()).length;
    expect(await shop.call('orders.update', { id: order.id })).toMatchObject({ version: 3, items: order.items });
    expect(await shop.events()).toHaveLength(told);
    expect(await shop.staleMonths()).toEqual([]);
    const items = [{ productId: mug.id, quantity: 1 }];
    expect(await shop.refusal('orders.update', { id: order.id, items })).toMatchObject({
      code: 'ORDER_NOT_PENDING',
      data: { status: 'completed' },
    });
  });

  it('exchanges the items of a pending order and their stock', async () => {
    const [out, kept, fresh] = [
      await shop.product({ stock: 10 }),
      await shop.product({ stock: 10, price: { amount: '1', currency: 'GBP' } }),
      await shop.product({ stock: 10, price: { amount: '0.001', currency: 'GBP' } }),
    ];
    const order = await shop.order(
      [out, kept, fresh].map(({ id }) => ({ productId: id, quantity: 4 })),
      { notes: 'as agreed' },
    );
    await shop.call('products.update', { id: kept.id, name: 'Renamed', price: { amount: '5', currency: 'GBP' } });
    await shop.forgetStaleMonths();
    const items = [
      { productId: fresh.id.toUpperCase(), quantity: 7 },
      { productId: kept.id, quantity: 2 },
    ];
    const changed = await shop.call<Order>('orders.update', { id: order.id, items });
    expect(changed).toMatchObject({
      number: order.number,
      notes: 'as agreed',
      itemCount: 2,
      units: 9,
      total: { amount: '2.007' },
      version: 2,
      items: [
        { line: 1, productId: fresh.id, quantity: 7, total: { amount: '0.007' } },
        { line: 2, productId: kept.id, name: kept.name, quantity: 2, unitPrice: { amount: '1.00' } },
      ],
    });
    expect(await shop.call('orders.get', { id: order.id })).toEqual(changed);
    expect([await shop.stockOf(out.id), await shop.stockOf(kept.id), await shop.stockOf(fresh.id)]).toEqual([10, 8, 3]);
    expect(await shop.staleMonths()).toHaveLength(1);

    // What the order holds itself is there to be taken again, and no more.
    const all = [{ productId: fresh.id, quantity: 10 }];
    expect(await shop.call('orders.update', { id: order.id, items: all })).toMatchObject({ itemCount: 1, units: 10 });
    expect(await shop.refusal('orders.update', { id: order.id, items: [{ ...all[0], quantity: 11 }] })).toMatchObject({
      code: 'OUT_OF_STOCK',
      data: { productId: fresh.id, requested: 11, available: 10 },
    });
    expect(await shop.stockOf(fresh.id)).toBe(0);
  });

  it('lets an order keep what was archived since, but not take more of it', async () => {
    const { id: productId } = await shop.product();
    const order = await shop.order([{ productId, quantity: 2 }]);
    await shop.call('products.archive', { id: productId });
    const keeping = (quantity: number) => ({ id: order.id, items: [{ productId, quantity }] });
    expect(await shop.call('orders.update', keeping(1))).toMatchObject({ units: 1 });
    expect(await shop.refusal('orders.update', keeping(2))).toMatchObject({ code: 'PRODUCT_INACTIVE' });
  });

  it('refuses a change that is meant for another version', async () => {
    const { id } = await shop.order([{ productId: mug.id, quantity: 1 }]);
    const stale = { id, expectedVersion: 7 };
    const conflict = { code: 'VERSION_CONFLICT', status: 412, data: { currentVersion: 1 } };
    expect(await shop.refusal('orders.update', { ...stale, notes: 'x' })).toMatchObject(conflict);
    expect(await shop.refusal('orders.setStatus', { ...stale, status: 'confirmed' })).toMatchObject(conflict);
    expect(await shop.refusal('orders.cancel', stale)).toMatchObject(conflict);
    expect(await shop.call('orders.update', { id, expectedVersion: 1, notes: 'x' })).toMatchObject({ version: 2 });
  });

  it('does not know other orders', async () => {
    const missing = { code: 'ORDER_NOT_FOUND', status: 404, data: { id: nowhere } };
    expect(await shop.refusal('orders.get', { id: nowhere })).toMatchObject(missing);
    expect(await shop.refusal('orders.update', { id: nowhere, notes: 'x' })).toMatchObject(missing);
    expect(await shop.refusal('orders.setStatus', { id: nowhere, status: 'confirmed' })).toMatchObject(missing);
    expect(await shop.refusal('orders.cancel', { id: nowhere })).toMatchObject(missing);
  });

  it('shows an imported order without items as it is', async () => {
    const { id } = await shop.order([{ productId: mug.id, quantity: 1 }]);
    await kernel.database.transaction(shop.tenantId, (db) =>
      db.rows(sql`delete from order_items where tenant_id = ${shop.tenantId}::uuid and order_id = ${id}::uuid`),
    );
    expect(await shop.call('orders.get', { id })).toMatchObject({ items: [] });
    expect(await shop.call('orders.update', { id, notes: 'x' })).toMatchObject({ items: [], notes: 'x' });
  });
});
