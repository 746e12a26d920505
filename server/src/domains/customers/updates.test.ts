import { contracts, type Customer, type CustomerEvent, type Session } from '@olympus/contracts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { customerUpdates } from '../../events/updates.ts';
import { startFollowing, type FollowingKernel } from '../following-testing.ts';
import { createOrderImport } from '../orders/import.ts';
import { orders } from '../orders/procedures.ts';
import { nobodyFollows, procedures } from '../testing.ts';
import { customers } from './procedures.ts';

let olympus: FollowingKernel;
let owner: Session;
beforeAll(async () => {
  olympus = await startFollowing(process.env['TEST_DATABASE_URL'], ({ cursors, events }) => ({
    procedures: [
      ...procedures('customers', contracts.customers, customers({ cursors, follow: customerUpdates(events.follow) })),
      ...procedures(
        'orders',
        contracts.orders,
        orders({
          cursors,
          importer: createOrderImport(async () => {}),
          exporter: nobodyFollows,
          follow: nobodyFollows,
        }),
      ),
    ],
  }));
  owner = await olympus.register();
});
afterAll(() => olympus.close());

const call = async <T = Customer>(path: string, input: object): Promise<T> => {
  const result = await olympus.call<T>(path, input, { token: owner.accessToken });
  olympus.events.relay.wake();
  return result;
};
const follow = (input: object) => olympus.follow<CustomerEvent>('customers.updates', input, owner);

it('customers are followed all, one by one or by country, and changes that change nothing tell of nothing', async () => {
  const first = await call('customers.create', { name: 'Ada', country: 'France' });
  const [all, one, french] = [
    await follow({}),
    await follow({ customerId: first.id.toUpperCase() }),
    await follow({ country: 'France' }),
  ];
  const second = await call('customers.create', { name: 'Bob', country: 'Peru' });
  await call('customers.update', { id: first.id });
  const moved = await call('customers.update', { id: first.id, country: 'Spain' });
  const renamed = await call('customers.replace', { id: second.id, name: 'Eve', country: 'France' });
  const content =
    'number,sku,description,quantity,unitPrice,placedAt,customer\n1,A,Mug,1,2.00,2020-01-01T00:00:00Z,C7\n';
  await call('orders.import', { content });
  await call('orders.import', { content });
  const end = await call('customers.update', { id: first.id, country: 'France' });
  const updated = (customer: Customer) => ({ type: 'customer.updated', customerId: customer.id, customer });
  const started = { type: 'started' };
  const imported = { type: 'customers.imported', customers: 1 };
  const created = { type: 'customer.created', customerId: second.id, customer: second };
  const told = (items: readonly { data: CustomerEvent }[]) => items.map(({ data }) => data);
  expect(told(await all.atLeast(6))).toEqual([
    started,
    created,
    updated(moved),
    updated(renamed),
    imported,
    updated(end),
  ]);
  expect(told(await one.atLeast(3))).toEqual([started, updated(moved), updated(end)]);
  expect(told(await french.atLeast(4))).toEqual([started, updated(renamed), imported, updated(end)]);
  const resumed = await follow({ lastEventId: all.items[3]?.id });
  expect(await resumed.atLeast(2)).toEqual(all.items.slice(4));
  for (const stream of [all, one, french, resumed]) stream.end();
});
