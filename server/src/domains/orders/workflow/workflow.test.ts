import type { Order } from '@olympus/contracts';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { databases } from '../testing.ts';
import { claimMs, lateMs } from './next.ts';
import { patience, startPayingShops, type PayingShop, type PayingShops } from './testing.ts';

const authorized = ['reserve done', 'authorize begun', 'authorize done', 'confirm done'];

describe.each(databases(process.env['TEST_DATABASE_URL']))('the workflow of payments, %s', (_, url) => {
  let shops: PayingShops;
  let shop: PayingShop;
  beforeAll(async () => {
    shops = await startPayingShops(url);
    shop = await shops.open();
  });
  beforeEach(() => {
    shops.boundary = async () => {};
    shops.sent.length = 0;
    shops.clock.ahead = 0;
  });
  afterAll(() => shops.close());
  const read = (id: string) => shop.call<Order>('orders.get', { id });
  /** What is waited for, and no longer. */
  const later = (milliseconds: number) => {
    shops.clock.ahead += milliseconds;
  };

  it('authorizes, confirms, and takes the money once the order is completed', async () => {
    const { order, productId, job } = await shop.pay('sim_card');
    expect(order).toMatchObject({ status: 'pending', paymentStatus: 'authorizing', version: 1 });
    expect(await shop.flow(order.id)).toMatchObject({ state: 'running', amount: { amount: '10.99', currency: 'GBP' } });
    await shops.workflow.run(job);
    expect(await read(order.id)).toMatchObject({ status: 'confirmed', paymentStatus: 'authorized', version: 2 });
    expect(await shop.history(order.id)).toEqual(authorized);
    expect(await shop.flow(order.id)).toMatchObject({ state: 'waiting' });
    await shop.move(order.id, 'preparing', 'ready');
    // Nothing of that is for the workflow.
    await shops.workflow.run(job);
    expect(await shop.booked(order.id)).toEqual([{ kind: 'authorize', refused: null, requests: 1 }]);
    await shop.move(order.id, 'completed');
    await shops.workflow.run(job);
    expect(await read(order.id)).toMatchObject({ status: 'completed', paymentStatus: 'captured' });
    expect(await shop.flow(order.id)).toMatchObject({
      state: 'finished',
      nextAt: null,
      deadlineAt: null,
      reason: null,
    });
    expect(await shop.history(order.id)).toEqual([...authorized, 'fulfil done', 'capture begun', 'capture done']);
    expect(await shop.stockOf(productId)).toBe(9);
    const [first, , , last] = (await shop.flow(order.id)).steps;
    expect([first?.userId, last?.userId]).toEqual([shop.userId, null]);

    await shop.move(order.id, 'refunded');
    await shops.workflow.run(job);
    await shops.workflow.run(job);
    expect(await read(order.id)).toMatchObject({ status: 'refunded', paymentStatus: 'refunded' });
    expect((await shop.booked(order.id)).map(({ kind }) => kind)).toEqual(['authorize', 'capture', 'refund']);
    expect((await shop.events()).filter(({ type }) => type.startsWith('order.')).at(-1)).toMatchObject({
      type: 'order.updated',
      order: { paymentStatus: 'refunded' },
    });
  });

  it('cancels what is declined and gives the stock back', async () => {
    const { order, productId, job } = await shop.pay('sim_decline');
    expect(await shop.stockOf(productId)).toBe(9);
    await shops.workflow.run(job);
    expect(await read(order.id)).toMatchObject({ status: 'cancelled', paymentStatus: 'declined' });
    expect(await shop.flow(order.id)).toMatchObject({ state: 'finished', reason: 'declined' });
    expect(await shop.history(order.id)).toEqual([
      'reserve done',
      'authorize begun',
      'authorize refused',
      'release done',
    ]);
    expect(await shop.stockOf(productId)).toBe(10);
  });

  it('tries again while the provider is away, with longer and longer waits', async () => {
    const { order, job } = await shop.pay('sim_down_2');
    for (const attempt of [1, 2]) {
      await shops.workflow.run(job);
      const at = shops.sent.at(-1)?.at?.getTime() ?? 0;
      const wait = at - shops.clock.now().getTime();
      expect(wait).toBeGreaterThan(400 * attempt);
      expect(wait).toBeLessThanOrEqual(1000 * attempt);
      later(wait + 1);
    }
    await shops.workflow.run(job);
    expect(await read(order.id)).toMatchObject({ status: 'confirmed', paymentStatus: 'authorized' });
    const [authorization] = await shop.booked(order.id);
    expect(authorization).toMatchObject({ requests: 3 });
    expect((await shop.history(order.id)).filter((line) => line === 'authorize unavailable')).toHaveLength(2);
  });

  it('cancels at the deadline what nobody could authorize', async () => {
    const { order, productId, job } = await shop.pay('sim_down');
    await shops.workflow.run(job);
    later(patience.authorizeMs);
    await shops.workflow.run(job);
    expect(await shop.stockOf(productId)).toBe(10);
    expect(await read(order.id)).toMatchObject({ status: 'cancelled', paymentStatus: 'voided' });
    expect(await shop.flow(order.id)).toMatchObject({ state: 'finished', reason: 'not_authorized_in_time' });
    expect(await shop.booked(order.id)).toEqual([{ kind: 'authorize', refused: null, requests: 1 }]);
  });

  it('asks what became of a call whose answer was lost', async () => {
    const { order, job } = await shop.pay('sim_lost_answer_at_all');
    const settle = async () => {
      await shops.workflow.run(job);
      later(2000);
      await shops.workflow.run(job);
    };
    await settle();
    await shop.move(order.id, 'preparing', 'ready', 'completed');
    await settle();
    await shop.move(order.id, 'refunded');
    await settle();
    expect(await read(order.id)).toMatchObject({ paymentStatus: 'refunded' });
    const once = { refused: null, requests: 1 };
    const kinds = ['authorize', 'capture', 'refund'];
    expect(await shop.booked(order.id)).toEqual(kinds.map((kind) => ({ kind, ...once })));
    expect((await shop.history(order.id)).filter((line) => line.endsWith('unknown'))).toHaveLength(3);
  });

  it('has one effect of requests that come twice', async () => {
    const { order, job } = await shop.pay('sim_duplicate_at_all');
    await shops.workflow.run(job);
    await shop.call('orders.cancel', { id: order.id });
    await shops.workflow.run(job);
    expect(await read(order.id)).toMatchObject({ status: 'cancelled', paymentStatus: 'voided' });
    const twice = { refused: null, requests: 2 };
    expect(await shop.booked(order.id)).toEqual([
      { kind: 'authorize', ...twice },
      { kind: 'void', ...twice },
    ]);
  });

  it('lets go of an authorization that comes about after all', async () => {
    const { order, productId, job } = await shop.pay('sim_slow_400');
    await shops.workflow.run(job);
    expect(await shop.history(order.id)).toEqual(['reserve done', 'authorize begun', 'authorize unknown']);
    await shop.call('orders.cancel', { id: order.id });
    expect(await shop.stockOf(productId)).toBe(10);
    await shops.workflow.run(job);
    expect(await read(order.id)).toMatchObject({ paymentStatus: 'authorizing' });
    later(1500);
    await shops.workflow.run(job);
    expect(await read(order.id)).toMatchObject({ status: 'cancelled', paymentStatus: 'voided' });
    expect((await shop.booked(order.id)).map(({ kind }) => kind)).toEqual(['authorize', 'void']);
  });

  it('looks for an authorization that never comes about only for a while', async () => {
    const { order, job } = await shop.pay('sim_slow_500000');
    await shops.workflow.run(job);
    await shop.call('orders.cancel', { id: order.id });
    await shops.workflow.run(job);
    expect(await read(order.id)).toMatchObject({ paymentStatus: 'authorizing' });
    later(claimMs(patience) + lateMs(patience));
    await shops.workflow.run(job);
    expect(await read(order.id)).toMatchObject({ status: 'cancelled', paymentStatus: 'voided' });
    expect(await shop.flow(order.id)).toMatchObject({ state: 'finished', reason: 'never_authorized' });
  });

  it('lets go of what is authorized while the order is cancelled', async () => {
    const { order, job } = await shop.pay('sim_card');
    shops.boundary = async ({ point }) => {
      if (point === 'begun authorize') await shop.call('orders.cancel', { id: order.id });
    };
    await shops.workflow.run(job);
    expect(await read(order.id)).toMatchObject({ status: 'cancelled', paymentStatus: 'voided' });
    expect((await shop.booked(order.id)).map(({ kind }) => kind)).toEqual(['authorize', 'void']);
  });

  it('gives back what was taken after the order was refunded', async () => {
    const { order, job } = await shop.pay('sim_lost_answer_at_capture');
    await shops.workflow.run(job);
    await shop.move(order.id, 'preparing', 'ready', 'completed');
    await shops.workflow.run(job);
    expect(await read(order.id)).toMatchObject({ paymentStatus: 'authorized' });
    await shop.move(order.id, 'refunded');
    await shops.workflow.run(job);
    expect(await read(order.id)).toMatchObject({ paymentStatus: 'refunded' });
    const booked = (await shop.booked(order.id)).map(({ kind, refused }) => [kind, refused]);
    expect(booked).toEqual([
      ['authorize', null],
      ['capture', null],
      ['void', 'captured'],
      ['refund', null],
    ]);
  });

  it('cancels what nobody was asked for, and asks nobody', async () => {
    const { order, job } = await shop.pay('sim_card');
    await shop.call('orders.cancel', { id: order.id });
    await shops.workflow.run(job);
    expect(await read(order.id)).toMatchObject({ status: 'cancelled', paymentStatus: 'voided' });
    expect(await shop.booked(order.id)).toEqual([]);
  });

  it('cancels what is not fulfilled before the authorization is over', async () => {
    const { order, productId, job } = await shop.pay('sim_card');
    await shops.workflow.run(job);
    await shop.move(order.id, 'preparing', 'ready');
    later(patience.holdMs);
    await shops.workflow.run(job);
    expect(await read(order.id)).toMatchObject({ status: 'cancelled', paymentStatus: 'voided' });
    expect(await shop.flow(order.id)).toMatchObject({ state: 'finished', reason: 'not_fulfilled_in_time' });
    expect(await shop.stockOf(productId)).toBe(10);
  });

  it('says that somebody must look where the provider refuses to give the money', async () => {
    const { order, job } = await shop.pay('sim_decline_at_capture');
    await shops.workflow.run(job);
    await shop.move(order.id, 'preparing', 'ready', 'completed');
    await shops.workflow.run(job);
    expect(await read(order.id)).toMatchObject({ status: 'completed', paymentStatus: 'authorized' });
    expect(await shop.flow(order.id)).toMatchObject({ state: 'failed', reason: 'capture_declined', nextAt: null });
  });

  it('makes one call at a time, and drops what comes from who was overtaken', async () => {
    const { order, job } = await shop.pay('sim_card');
    let isFirst = true;
    shops.boundary = async ({ point }) => {
      if (point !== 'called authorize' || !isFirst) return;
      isFirst = false;
      // Another job of the same order finds the call under way, and waits until it must be over.
      await shops.workflow.run(job);
      expect(shops.sent.at(-1)?.at?.getTime()).toBeGreaterThan(shops.clock.now().getTime() + 1000);
      // Then it asks the provider, and goes on; who wakes up afterwards changes nothing.
      later(claimMs(patience) + 1);
      await shops.workflow.run(job);
      expect(await read(order.id)).toMatchObject({ status: 'confirmed', version: 2 });
    };
    await shops.workflow.run(job);
    expect(await read(order.id)).toMatchObject({ status: 'confirmed', version: 2 });
    expect(await shop.history(order.id)).toEqual([
      'reserve done',
      'authorize begun',
      'authorize begun',
      'authorize done',
      'confirm done',
    ]);
    expect(await shop.booked(order.id)).toEqual([{ kind: 'authorize', refused: null, requests: 1 }]);
  });

  it('takes up again what has lost its job', async () => {
    const { job } = await shop.pay('sim_card');
    await shops.workflow.sweep();
    expect(shops.sent.map(({ job: { orderId } }) => orderId)).not.toContain(job.orderId);
    later(60_000);
    await shops.workflow.sweep();
    expect(shops.sent).toContainEqual({ job, at: null });
  });

  it('keeps unpaid orders from going on, and paid ones from changing', async () => {
    const { order, productId, job } = await shop.pay('sim_card');
    const confirm = { id: order.id, status: 'confirmed' };
    expect(await shop.refusal('orders.setStatus', confirm)).toMatchObject({ code: 'PAYMENT_PENDING', status: 409 });
    const items = [{ productId, quantity: 2 }];
    expect(await shop.refusal('orders.update', { id: order.id, items })).toMatchObject({ code: 'PAYMENT_BEGUN' });
    expect(await shop.call('orders.update', { id: order.id, notes: 'by the door' })).toMatchObject({ version: 2 });
    await shops.workflow.run(job);
    expect(await read(order.id)).toMatchObject({ status: 'confirmed', notes: 'by the door' });
  });

  it('tells of orders without payments that there is nothing to tell', async () => {
    const { id: productId } = await shop.product();
    const { id, paymentStatus } = await shop.order([{ productId, quantity: 1 }]);
    expect(paymentStatus).toBe('none');
    expect(await shop.flow(id)).toMatchObject({ state: 'none', amount: null, steps: [] });
    const free = await shop.product({ price: { amount: '0', currency: 'GBP' } });
    const input = { items: [{ productId: free.id, quantity: 1 }], payment: { method: 'sim_card' } };
    expect(await shop.refusal('orders.create', input)).toMatchObject({ data: { issues: [{ field: 'payment' }] } });
  });

  it('begins with the events of orders whose payments have somewhere to go', async () => {
    const { order, job } = await shop.pay('sim_card');
    const { consumer } = shops.workflow;
    const event = (changes: Partial<Order>) => ({
      id: 'e',
      tenantId: shop.tenantId,
      type: 'order.updated' as const,
      subjectId: order.id,
      payload: {
        type: 'order.updated' as const,
        orderId: order.id,
        order: { ...order, ...changes },
        previousStatus: null,
      },
      requestId: null,
      occurredAt: new Date(),
    });
    const delivery = { attempt: 1, replayId: null, signal: new AbortController().signal, once: async () => true };
    await consumer.handle(event({}), delivery);
    await consumer.handle(event({ status: 'preparing', paymentStatus: 'authorized' }), delivery);
    await consumer.handle(event({ status: 'completed', paymentStatus: 'none' }), delivery);
    expect([consumer.name, shops.sent]).toEqual(['order-workflow', [{ job, at: null }]]);
  });
});
