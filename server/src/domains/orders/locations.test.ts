import { contracts, type Order, type Session, type User } from '@olympus/contracts';
import { sql } from '@olympus/database';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createEvents, type Events } from '../../events/events.ts';
import { orderUpdates, productUpdates } from '../../events/updates.ts';
import { callerWith, nobodyFollows, procedures, startTestKernel, type TestKernel, withoutImages } from '../testing.ts';
import { analytics } from '../analytics/procedures.ts';
import { locations } from '../locations/procedures.ts';
import { products } from '../products/procedures.ts';
import { users } from '../users/procedures.ts';
import { createOrderExport } from './export.ts';
import { orders } from './procedures.ts';

const password = 'correct horse battery';
const absent = () => {
  throw new Error('not part of these tests');
};
let olympus: TestKernel;
let events: Events;
beforeAll(async () => {
  olympus = await startTestKernel({
    databaseUrl: process.env['TEST_DATABASE_URL'],
    procedures: ({ database, clock, ids, cursors, auth }) => {
      const log = { info() {}, warn() {}, error() {} };
      events = createEvents({ database, redis: null, clock, ids, log, onHint: () => undefined });
      const { follow } = events;
      const deps = { cursors, importer: absent, exporter: createOrderExport(), follow: orderUpdates(follow) };
      return [
        ...procedures('users', contracts.users, users({ cursors, account: auth.account, follow: nobodyFollows })),
        ...procedures('locations', contracts.locations, locations({ cursors })),
        ...procedures(
          'products',
          contracts.products,
          products({ cursors, images: withoutImages, importer: absent, follow: productUpdates(follow) }),
        ),
        ...procedures('orders', contracts.orders, orders(deps)),
        ...procedures('analytics', contracts.analytics, analytics({ follow })),
      ];
    },
  });
  events.start();
});
afterAll(async () => {
  await events.stop();
  await olympus.close();
});

/** A shop with two locations, an order at each and one at none, and somebody who is kept to the first. */
async function openShop(role = 'staff') {
  const owner = await olympus.register({ currency: 'GBP' });
  const as = (session: Session) => ({ token: session.accessToken });
  const call = <T>(path: string, input: unknown, session = owner) => olympus.call<T>(path, input, as(session));
  const soho = (await call<{ id: string }>('locations.create', { name: 'Soho' })).id;
  const kew = (await call<{ id: string }>('locations.create', { name: 'Kew' })).id;
  const price = { amount: '2.50', currency: 'GBP' };
  const mug = await call<{ id: string }>('products.create', { sku: 'mug', name: 'Mug', price });
  const place = (locationId: string | undefined, session = owner) =>
    call<Order>('orders.create', { items: [{ productId: mug.id, quantity: 1 }], locationId }, session);
  const [here, there, nowhere] = [await place(soho), await place(kew), await place(undefined)];
  const addKept = async (locationIds: string[]) => {
    const email = `${randomUUID()}@shop.test`;
    const user = await call<User>('users.create', { email, name: 'Sam', role, password, locationIds });
    return { user, session: await olympus.call<Session>('auth.login', { email, password }) };
  };
  const sam = await addKept([soho]);
  const refusal = (path: string, input: unknown) => olympus.refusal(path, input, as(sam.session));
  const asSam = <T>(path: string, input: unknown) => call<T>(path, input, sam.session);
  return { owner, soho, kew, mug, here, there, nowhere, sam, asSam, refusal, place, call, addKept };
}

const missing = ({ id }: Order) => ({ code: 'ORDER_NOT_FOUND', data: { id } });

test('sees and lists the orders of their locations, and no count or page tells of others', async () => {
  const { asSam, refusal, here, there, nowhere, call } = await openShop();
  const listed = await asSam<{ items: Order[]; totalCount: number }>('orders.list', { withTotal: true });
  expect(listed.items.map(({ id }) => id)).toEqual([here.id]);
  expect(listed.totalCount).toBe(1);
  expect(await asSam('orders.get', { id: here.id })).toMatchObject({ id: here.id });
  for (const order of [there, nowhere]) expect(await refusal('orders.get', { id: order.id })).toEqual(missing(order));
  expect((await call<{ totalCount: number }>('orders.list', { withTotal: true })).totalCount).toBe(3);
});

test('changes the orders of their locations, and leaves others as they are', async () => {
  const { asSam, refusal, here, there, call } = await openShop();
  expect(await refusal('orders.update', { id: there.id, notes: 'x' })).toEqual(missing(there));
  expect(await refusal('orders.setStatus', { id: there.id, status: 'confirmed' })).toEqual(missing(there));
  expect(await refusal('orders.cancel', { id: there.id })).toEqual(missing(there));
  const operations = [there, here].map(({ id }) => ({ op: 'update', id, changes: { notes: 'seen' } }));
  const batch = await asSam<{ results: { status: number }[] }>('orders.batch', { operations });
  expect(batch.results.map(({ status }) => status)).toEqual([404, 200]);
  expect(await asSam('orders.setStatus', { id: here.id, status: 'confirmed' })).toMatchObject({ status: 'confirmed' });
  expect(await call('orders.get', { id: there.id })).toMatchObject({ notes: null, status: 'pending', version: 1 });
});

describe('placing', () => {
  test('happens where they are kept to, also without saying so, and nowhere else', async () => {
    const { place, sam, soho, kew, mug, refusal, asSam } = await openShop();
    expect(await place(soho, sam.session)).toMatchObject({ locationId: soho, createdBy: sam.user.id });
    expect(await place(undefined, sam.session)).toMatchObject({ locationId: soho });
    const order = { items: [{ productId: mug.id, quantity: 1 }], locationId: kew };
    const refused = { code: 'LOCATION_REFUSED', data: { locationId: kew, allowed: [soho] } };
    expect(await refusal('orders.create', order)).toEqual(refused);
    const batch = await asSam<{ results: { status: number; error: { code: string } }[] }>('orders.batch', {
      operations: [{ op: 'create', order }],
    });
    expect(batch.results).toMatchObject([{ status: 403, error: { code: 'LOCATION_REFUSED' } }]);
  });

  test('says where, whoever is kept to more than one', async () => {
    const { addKept, soho, kew, place } = await openShop();
    const { session } = await addKept([soho, kew]);
    await expect(place(undefined, session)).rejects.toMatchObject({ code: 'LOCATION_REFUSED' });
    expect(await place(kew, session)).toMatchObject({ locationId: kew });
  });

  test('numbers stay unique over what they do not see', async () => {
    const { here, kew, soho, call, place, sam, mug, refusal } = await openShop();
    const next = Number(here.number) + 3;
    const item = { items: [{ productId: mug.id, quantity: 1 }] };
    for (const number of [next, next + 1, next + 2])
      await call('orders.create', { ...item, locationId: kew, number: String(number) });
    expect((await place(soho, sam.session)).number).toBe(String(next + 3));
    expect(await refusal('orders.create', { ...item, number: String(next) })).toMatchObject({
      code: 'ORDER_NUMBER_TAKEN',
    });
  });
});

test('exports theirs alone', async () => {
  const { call, addKept, soho, here, there } = await openShop('manager');
  const { session } = await addKept([soho]);
  const numbersFor = async (who?: Session) => {
    const lines = await call<AsyncIterable<{ number: string }>>('orders.export', {}, who);
    const numbers: string[] = [];
    for await (const { number } of lines) numbers.push(number);
    return numbers;
  };
  expect(await numbersFor(session)).toEqual([here.number]);
  expect(await numbersFor()).toContain(there.number);
});

test('analytics and imports are about all locations, and refused', async () => {
  const { refusal } = await openShop('manager');
  for (const path of ['summary', 'revenue', 'byCountry', 'topProducts', 'topCustomers', 'dashboard', 'live'])
    expect(await refusal(`analytics.${path}`, {}), path).toEqual({
      code: 'FORBIDDEN',
      data: { permission: 'analytics:read' },
    });
  expect(await refusal('orders.import', { content: '' })).toMatchObject({ code: 'FORBIDDEN' });
});

test('hears of their orders, and of no other', async () => {
  const { sam, place, soho, kew, call, there, nowhere } = await openShop();
  const heard: string[] = [];
  const ending = new AbortController();
  const procedure = olympus.kernel.byPath.get('orders.updates');
  if (!procedure) throw new Error('no orders.updates');
  const stream = (await olympus.kernel.execute({
    procedure,
    caller: callerWith(sam.session.accessToken),
    input: {},
    signal: ending.signal,
  })) as AsyncIterable<{ data: { type: string; orderId?: string } }>;
  const reading = (async () => {
    for await (const { data } of stream) heard.push(`${data.type} ${data.orderId ?? ''}`);
  })();
  await call('orders.setStatus', { id: there.id, status: 'confirmed' });
  await call('orders.setStatus', { id: nowhere.id, status: 'confirmed' });
  await place(kew);
  const last = await place(soho);
  await expect.poll(() => heard, { timeout: 5_000 }).toContain(`order.created ${last.id}`);
  ending.abort();
  await reading;
  expect(heard).toEqual(['started ', `order.created ${last.id}`]);
});

test('whatever statement is sent for them, the database keeps it to their orders', async () => {
  const { sam, here, there, soho, kew } = await openShop();
  const principal = await olympus.auth.authenticator.principalOf(sam.session.accessToken);
  if (!principal) throw new Error('nobody signed in');
  const { database } = olympus;
  const all = sql`select id from orders`;
  expect(await database.tenant(principal).rows(all)).toEqual([{ id: here.id }]);
  await database.transaction(principal, async (db) => {
    expect(await db.rows(all)).toEqual([{ id: here.id }]);
    expect(await db.rows(sql`update orders set notes = 'x' where id = ${there.id}::uuid returning id`)).toEqual([]);
    expect(await db.rows(sql`delete from orders where id = ${there.id}::uuid returning id`)).toEqual([]);
    const move = sql`update orders set location_id = ${kew}::uuid where id = ${here.id}::uuid`;
    await expect(db.savepoint((inner) => inner.rows(move))).rejects.toThrow(/row-level security/);
  });
  const batches = [];
  for await (const rows of database.tenant(principal).stream<{ id: string }>(all, 10)) batches.push(...rows);
  expect(batches).toEqual([{ id: here.id }]);
  expect(await database.tenant(principal.tenantId).rows(all)).toHaveLength(3);
  expect(() => database.tenant({ tenantId: principal.tenantId, locationIds: new Set() })).toThrow(TypeError);
  expect(() => database.tenant({ tenantId: principal.tenantId, locationIds: new Set([`${soho}'`]) })).toThrow(
    TypeError,
  );
});
