import type { Announcement, NotificationEvent, Order, Product } from '@olympus/contracts';
import { sql } from '@olympus/database';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expire } from '../../jobs/expiry.ts';
import { databases } from '../orders/testing.ts';
import { callerWith } from '../testing.ts';
import { startNotifying, type NotifyingKernel, type Person } from './testing.ts';

const product = (person: Person, over: object = {}) =>
  person.call<Product>('products.create', {
    sku: randomUUID(),
    name: 'Mug',
    price: { amount: '2.00', currency: 'GBP' },
    stock: 10,
    ...over,
  });
const sell = (person: Person, productId: string, quantity = 1, over: object = {}) =>
  person.call<Order>('orders.create', { items: [{ productId, quantity }], ...over });
const move = (person: Person, { id }: Order, status: string) => person.call<Order>('orders.setStatus', { id, status });
const typesOf = (items: readonly { data: NotificationEvent }[]) => items.map(({ data }) => data.type);

describe.each(databases(process.env['TEST_DATABASE_URL']))('notifications on %s', (_, url) => {
  let olympus: NotifyingKernel;
  beforeAll(async () => {
    olympus = await startNotifying(url);
  });
  afterAll(() => olympus.close());

  it('tell who placed an order what becomes of it, and who asked for all of every step', async () => {
    const owner = await olympus.open();
    const [staff, viewer] = [await olympus.hire(owner, 'staff'), await olympus.hire(owner, 'viewer')];
    await viewer.call('notifications.preferences.update', { orderStatus: 'all' });
    const order = await sell(staff, (await product(owner)).id);
    await owner.call('orders.update', { id: order.id, notes: 'no step' });
    await move(owner, order, 'confirmed');
    await olympus.settled(owner);
    const step = (status: string, previousStatus: string | null) => ({
      kind: 'orderStatus',
      order: { orderId: order.id, number: order.number, status, previousStatus, locationId: null },
      stock: null,
      announcement: null,
      readAt: null,
    });
    expect(await staff.told()).toMatchObject([step('confirmed', 'pending')]);
    expect(await viewer.told()).toMatchObject([
      { ...step('confirmed', 'pending'), sequence: 2 },
      { ...step('pending', null), sequence: 1 },
    ]);
    expect(await owner.told()).toEqual([]);
    await staff.call('notifications.preferences.update', { orderStatus: 'off' });
    await move(owner, order, 'preparing');
    await olympus.settled(owner);
    expect([await staff.told(), await viewer.told()].map(({ length }) => length)).toEqual([1, 3]);
  });

  it('tell how many are not read together with the beginning, so that no poll ends between them', async () => {
    const { session } = await olympus.open();
    const procedure = olympus.kernel.byPath.get('notifications.updates');
    if (!procedure) throw new Error('there are no notifications');
    const { signal } = new AbortController();
    const call = { procedure, caller: callerWith(session.accessToken), input: {}, signal };
    const stream = (await olympus.kernel.execute(call)) as AsyncIterable<{ data: NotificationEvent }>;
    const items = stream[Symbol.asyncIterator]();
    expect((await items.next()).value).toMatchObject({ data: { type: 'started' } });
    const turn = new Promise((resolve) => setImmediate(resolve, 'later'));
    expect(await Promise.race([items.next(), turn])).toMatchObject({ value: { data: { unread: 0 } } });
    await items.return?.();
  });

  it('tell nobody of orders that they may not see', async () => {
    const owner = await olympus.open();
    const [here, there] = await Promise.all(
      ['Here', 'There'].map((name) => owner.call<{ id: string }>('locations.create', { name })),
    );
    const watch = { orderStatus: 'all' };
    const [kept, gone] = [
      await olympus.hire(owner, 'staff', { locationIds: [here?.id] }),
      await olympus.hire(owner, 'staff'),
    ];
    for (const person of [kept, gone]) await person.call('notifications.preferences.update', watch);
    await owner.call('users.deactivate', { id: gone.id });
    const { id } = await product(owner);
    for (const locationId of [here?.id, there?.id, undefined]) await sell(owner, id, 1, { locationId });
    await olympus.settled(owner);
    expect((await kept.told()).map(({ order }) => order?.locationId)).toEqual([here?.id]);
    const left = await olympus.database.systemDb.rows(
      sql`select 1 from notifications where user_id = ${gone.id}::uuid`,
    );
    expect(left).toEqual([]);
  });

  it('tell once of a stock that has become low, and again when it does after it had recovered', async () => {
    const owner = await olympus.open();
    const viewer = await olympus.hire(owner, 'viewer');
    await owner.call('notifications.settings.update', { lowStockAt: 8 });
    const [mug, cup] = [await product(owner), await product(owner, { lowStockAt: 3 })];
    for (const { id } of [mug, cup]) for (let n = 0; n < 4; n++) await sell(owner, id);
    await olympus.settled(owner);
    expect(await owner.told({ kind: 'lowStock' })).toMatchObject([
      { stock: { count: 1, productId: mug.id, sku: mug.sku, name: 'Mug', lowStockAt: 8 } },
    ]);
    expect(await viewer.told()).toEqual([]);
    await owner.call('products.adjustStock', { id: mug.id, delta: 10 });
    await olympus.settled(owner);
    await owner.call('products.adjustStock', { id: mug.id, delta: -9 });
    await owner.call('products.update', { id: cup.id, lowStockAt: 6 });
    await olympus.settled(owner);
    const low = (await owner.told({ kind: 'lowStock' })).map(({ stock }) => stock?.productId);
    expect([mug, cup].map(({ id }) => low.filter((one) => one === id).length)).toEqual([2, 1]);
    expect(low).toHaveLength(3);
  });

  it('tell of all products that an import makes low by one', async () => {
    const owner = await olympus.open();
    await owner.call('notifications.settings.update', { lowStockAt: 5 });
    const lines = Array.from({ length: 600 }, (__, n) => `sku${n},Tea,1.50,${n % 2 === 0 ? 1 : 100}`);
    await owner.call('products.import', { content: ['sku,name,price,stock', ...lines].join('\n') });
    await olympus.settled(owner);
    const told = await owner.told();
    expect(told.reduce((sum, { stock }) => sum + (stock?.count ?? 0), 0)).toBe(300);
    // A batch that was alone in the log for a moment has one of its own.
    expect(told.length).toBeLessThanOrEqual(3);
    expect(told[0]?.stock).toMatchObject({ productId: null, stock: null });
  });

  it('carry what admins announce to everybody who has not declined, in parts that a transaction can bear', async () => {
    const owner = await olympus.open();
    const [admin, viewer] = [await olympus.hire(owner, 'admin'), await olympus.hire(owner, 'viewer')];
    const { tenantId } = (await olympus.auth.authenticator.principalOf(owner.session.accessToken))!;
    await olympus.database.systemDb.rows(sql`
      insert into users (tenant_id, id, email, name, role, password_hash, created_at, updated_at)
      select ${tenantId}::uuid, gen_random_uuid(), gen_random_uuid() || '@many.test', 'Many', 'viewer', '', now(), now()
      from generate_series(1, 450)`);
    await viewer.call('notifications.preferences.update', { announcement: false });
    const said = { title: 'Closed', text: 'On Monday' };
    expect(await viewer.refusal('notifications.announce', said)).toMatchObject({ code: 'FORBIDDEN' });
    const announcement = await admin.call<Announcement>('notifications.announce', said);
    await olympus.settled(owner);
    expect(await admin.told()).toMatchObject([{ kind: 'announcement', announcement }]);
    expect(await viewer.told()).toEqual([]);
    const [row] = await olympus.database.tenant(tenantId).rows<{ users: number; batches: number }>(sql`
      select (select count(*)::int from notifications where tenant_id = ${tenantId}::uuid) as users,
        (select count(*)::int from events where tenant_id = ${tenantId}::uuid and type = 'notifications.created') as batches`);
    expect(row).toEqual({ users: 452, batches: 3 });
  });

  it('are made once, however often the event comes', async () => {
    const owner = await olympus.open();
    const announce = (title: string) => owner.call('notifications.announce', { title, text: 'x' });
    await announce('first');
    await olympus.settled(owner);
    const { tenantId } = (await olympus.auth.authenticator.principalOf(owner.session.accessToken))!;
    // As after a crash before the consumer’s offset was moved.
    await olympus.interrupted(() =>
      olympus.database.systemDb.rows(sql`
        update consumer_offsets set position = 0 where tenant_id = ${tenantId}::uuid and consumer = 'notifications'`),
    );
    await announce('second');
    await olympus.settled(owner);
    expect((await owner.told()).map(({ announcement }) => announcement?.title)).toEqual(['second', 'first']);
    expect(await owner.call('notifications.unread')).toEqual({ unread: 2 });
  });

  describe('once they are read', () => {
    let owner: Person;
    let other: Person;
    beforeAll(async () => {
      owner = await olympus.open();
      other = await olympus.hire(owner, 'staff');
    });
    const announce = async (title: string) => {
      await owner.call('notifications.announce', { title, text: 'x' });
      await olympus.settled(owner);
    };

    it('is read on every device, and by nobody else', async () => {
      const [phone, desk, theirs] = [await owner.follow(), await owner.follow(), await other.follow()];
      for (const stream of [phone, desk, theirs]) await stream.atLeast(2);
      for (const title of ['a', 'b', 'c']) await announce(title);
      for (const stream of [phone, desk, theirs]) await stream.atLeast(5);
      const [c, b, a] = await owner.told();
      expect(await owner.call('notifications.markRead', { ids: [a?.id, b?.id] })).toBeNull();
      expect(await owner.call('notifications.unread')).toEqual({ unread: 1 });
      await owner.call('notifications.markRead', { ids: [a?.id] });
      // Nothing more is read up to there.
      await owner.call('notifications.markAllRead', { readThrough: b?.sequence });
      expect(await owner.call('notifications.unread')).toEqual({ unread: 1 });
      await owner.call('notifications.markAllRead');
      await owner.call('notifications.markAllRead');
      expect(await owner.call('notifications.unread')).toEqual({ unread: 0 });
      for (const stream of [phone, desk]) {
        const items = await stream.atLeast(7);
        expect(items.map(({ data }) => data)).toMatchObject([
          { type: 'started' },
          { type: 'notifications.unread', unread: 0 },
          ...[a, b, c].map((one, index) => ({
            type: 'notification.created',
            notification: { ...one, readAt: null },
            unread: index + 1,
          })),
          { type: 'notifications.read', readThrough: null, unread: 1 },
          { type: 'notifications.read', ids: [], readThrough: c?.sequence, unread: 0 },
        ]);
        const { data } = items[5]!;
        expect('ids' in data && new Set(data.ids)).toEqual(new Set([a?.id, b?.id]));
      }
      expect(theirs.items.map(({ data }) => data.type)).toEqual(typesOf(phone.items.slice(0, 5)));
      expect(await other.call('notifications.unread')).toEqual({ unread: 3 });
      expect((await owner.told({ unread: false })).every(({ readAt }) => readAt instanceof Date)).toBe(true);
      expect(await owner.told({ unread: true })).toEqual([]);
      // A stream that comes back is told how things stand, and then what it has missed.
      const back = await owner.follow({ lastEventId: phone.items[3]?.id });
      expect((await back.atLeast(4)).map(({ id }) => id)).toEqual(phone.items.slice(3).map(({ id }) => id));
      expect(back.items[0]?.data).toEqual({ type: 'notifications.unread', unread: 0 });
      const lost = await owner.follow({ lastEventId: 'nonsense', kind: 'lowStock' });
      expect(typesOf(await lost.atLeast(3)).slice(1)).toEqual(['reset', 'notifications.unread']);
      for (const stream of [phone, desk, theirs, back, lost]) stream.end();
    });

    it('must be the caller’s own', async () => {
      await announce('for two');
      const [theirs] = await other.told();
      const missing = { code: 'NOTIFICATION_NOT_FOUND', data: { id: theirs?.id } };
      expect(await owner.refusal('notifications.markRead', { ids: [theirs?.id] })).toEqual(missing);
      const stranger = await olympus.open();
      expect(await stranger.refusal('notifications.markRead', { ids: [theirs?.id] })).toEqual(missing);
      expect((await other.told())[0]).toEqual(theirs);
    });

    it('preferences depend on the role until they are chosen, one by one', async () => {
      const viewer = await olympus.hire(owner, 'viewer');
      const preferences = { orderStatus: 'mine', lowStock: true, announcement: true };
      expect(await owner.call('notifications.preferences.get')).toEqual(preferences);
      expect(await viewer.call('notifications.preferences.get')).toEqual({ ...preferences, lowStock: false });
      const chosen = { ...preferences, announcement: false };
      expect(await viewer.call('notifications.preferences.update', { lowStock: true })).toEqual(preferences);
      expect(await viewer.call('notifications.preferences.update', { announcement: false })).toEqual(chosen);
      expect(await viewer.call('notifications.preferences.update', {})).toEqual(chosen);
      expect(await viewer.refusal('notifications.settings.update', { lowStockAt: 1 })).toMatchObject({
        code: 'FORBIDDEN',
      });
    });

    it('and what is not is forgotten after 90 days, and not counted any more', async () => {
      await announce('last');
      await olympus.database.systemDb.rows(sql`
        update notifications set expires_at = expires_at - interval '90 days' where user_id = ${other.id}::uuid`);
      expect(await other.call('notifications.unread')).toEqual({ unread: 5 });
      expect((await expire(olympus.database, olympus.clock)).notifications).toBe(5);
      expect([(await owner.told()).length, await other.told()]).toEqual([5, []]);
      expect(await other.call('notifications.unread')).toEqual({ unread: 0 });
    });
  });
});
