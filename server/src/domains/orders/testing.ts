import {
  contracts,
  type Order,
  type OrderEvent,
  type Product,
  type ProductEvent,
  type Session,
} from '@olympus/contracts';
import { sql } from '@olympus/database';
import { randomUUID } from 'node:crypto';
import { Failure } from '../../kernel/failure.ts';
import { products } from '../products/procedures.ts';
import { procedures, startTestKernel, type TestKernel, withoutImages } from '../testing.ts';
import { orders } from './procedures.ts';

/** Where a suite runs: on the embedded database, and on PostgreSQL where a server is named. */
export const databases = (serverUrl: string | undefined): [name: string, url: string | undefined][] => [
  ['embedded', undefined],
  ...(serverUrl ? [['PostgreSQL', serverUrl] as [string, string]] : []),
];

const absent = () => {
  throw new Error('not part of these tests');
};

export const startShops = (databaseUrl: string | undefined): Promise<TestKernel> =>
  startTestKernel({
    databaseUrl,
    procedures: ({ cursors }) => [
      ...procedures(
        'products',
        contracts.products,
        products({ cursors, images: withoutImages, importer: absent, follow: absent }),
      ),
      ...procedures(
        'orders',
        contracts.orders,
        orders({ cursors, importer: absent, exporter: absent, follow: absent }),
      ),
    ],
  });

/** A tenant with its owner signed in. */
export interface Shop {
  readonly tenantId: string;
  readonly userId: string;
  readonly token: string;
  call<T = unknown>(path: string, input?: unknown, key?: string): Promise<T>;
  /** The failure that a call ends with; throws when it succeeds. */
  refusal(path: string, input?: unknown, key?: string): Promise<Pick<Failure, 'code' | 'status' | 'data'>>;
  product(overrides?: object): Promise<Product>;
  stockOf(productId: string): Promise<number | null>;
  order(items: { productId: string; quantity: number }[], overrides?: object): Promise<Order>;
  addCustomer(): Promise<string>;
  addLocation(): Promise<string>;
  /** Payloads of the events in the outbox, oldest first. */
  events(): Promise<(OrderEvent | ProductEvent)[]>;
  staleMonths(): Promise<{ month: string; markedAt: Date }[]>;
  forgetStaleMonths(): Promise<unknown>;
}

export async function openShop(
  kernel: TestKernel,
  overrides: { timeZone?: string; currency?: string } = {},
): Promise<Shop> {
  const session: Session = await kernel.register({ timeZone: 'Europe/London', currency: 'GBP', ...overrides });
  const token = session.accessToken;
  const principal = await kernel.kernel.identify({
    protocol: 'rest',
    requestId: 'test',
    traceId: 'test',
    address: '127.0.0.1',
    credential: token,
  });
  if (!principal) throw new Error('nobody signed in');
  const { tenantId, userId, currency } = principal;
  const { database, clock, ids } = kernel;
  const read = database.tenant(tenantId);
  const add = async (table: 'customers' | 'locations') => {
    const id = ids.next();
    await database.transaction(tenantId, (db) =>
      db.rows(sql`
        insert into ${sql.raw(table)} (tenant_id, id, name, created_at, updated_at)
        values (${tenantId}::uuid, ${id}::uuid, ${`${table} ${id}`}, ${clock.now()}, ${clock.now()})`),
    );
    return id;
  };

  const call: Shop['call'] = (path, input, key) => kernel.call(path, input, { token, ...(key ? { key } : {}) });
  return {
    tenantId,
    userId,
    token,
    call,
    async refusal(path, input, key) {
      try {
        await call(path, input, key);
      } catch (error) {
        if (error instanceof Failure) return error;
        throw error;
      }
      throw new Error(`${path} succeeded`);
    },
    product: (given) =>
      call('products.create', {
        sku: randomUUID().slice(0, 13),
        name: 'Red mug',
        price: { amount: '10.99', currency },
        ...given,
      }),
    stockOf: async (id) => (await call<Product>('products.get', { id })).stock,
    order: (items, given) => call('orders.create', { items, ...given }),
    addCustomer: () => add('customers'),
    addLocation: () => add('locations'),
    events: async () => {
      const rows = await read.rows<{ payload: OrderEvent | ProductEvent }>(
        sql`select payload from events where tenant_id = ${tenantId}::uuid order by sequence`,
      );
      return rows.map(({ payload }) => payload);
    },
    staleMonths: () =>
      read.rows(
        sql`select month, marked_at as "markedAt" from stale_months where tenant_id = ${tenantId}::uuid order by month`,
      ),
    forgetStaleMonths: () =>
      database.transaction(tenantId, (db) =>
        db.rows(sql`delete from stale_months where tenant_id = ${tenantId}::uuid`),
      ),
  };
}
