import type { OrderEvent } from '@olympus/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomIds } from '../platform/ids.ts';
import {
  contextOf,
  imported,
  installEmbedded,
  newTenant,
  orderEvent,
  startReplica,
  write,
  type Installation,
  type Replica,
} from './testing/installation.ts';
import { orderUpdates, productUpdates } from './updates.ts';

describe('updates', () => {
  let installation: Installation;
  let replica: Replica;
  beforeAll(async () => {
    installation = await installEmbedded();
    replica = startReplica(installation.database);
  });
  afterAll(async () => {
    await replica.close();
    await installation.remove();
  });

  async function collect(items: AsyncIterable<{ id: string; data: { type: string } }>, until: string) {
    const collected: { id: string; data: { type: string } }[] = [];
    for await (const item of items) {
      collected.push(item);
      if (JSON.stringify(item.data).includes(until)) break;
    }
    return collected;
  }
  const call = (tenant: string, input: object) => ({ input, ctx: contextOf(tenant), fail: null }) as never;

  it('of orders are narrowed to one order or one status; a reset always comes', async () => {
    const tenant = newTenant();
    const orderId = randomIds.next();
    const handle = orderUpdates(replica.follow);
    const [all, one, ready, reset] = await Promise.all([
      handle(call(tenant, {})),
      handle(call(tenant, { orderId })),
      handle(call(tenant, { status: 'ready' })),
      handle(call(tenant, { orderId, lastEventId: 'lost' })),
    ]);
    const { database } = installation;
    await write(database, tenant, orderEvent('a'));
    await write(database, tenant, orderEvent('b', { orderId }));
    await write(database, tenant, imported(1));
    await write(database, tenant, orderEvent('c', { status: 'ready' }));
    await write(database, tenant, orderEvent('end', { orderId, status: 'ready' }));
    const shown = (items: { data: { type: string } }[]) =>
      items.map(({ data }) =>
        'order' in data ? (data as OrderEvent & { type: 'order.created' }).order.notes : data.type,
      );
    expect(shown(await collect(all, '"end"'))).toEqual(['started', 'a', 'b', 'orders.imported', 'c', 'end']);
    expect(shown(await collect(one, '"end"'))).toEqual(['started', 'b', 'end']);
    expect(shown(await collect(ready, '"end"'))).toEqual(['started', 'orders.imported', 'c', 'end']);
    expect(shown(await collect(reset, '"end"'))[0]).toBe('reset');
    expect(replica.hub.stats().subscribers).toBe(0);
  });

  it('of products are narrowed to one product', async () => {
    const tenant = newTenant();
    const productId = randomIds.next();
    const { orderId, order } = orderEvent('');
    const product = (id: string, name: string) =>
      ({
        type: 'product.updated',
        productId: id,
        product: {
          id,
          sku: 'A',
          name,
          description: null,
          price: order.total,
          stock: 1,
          lowStockAt: null,
          active: true,
          image: null,
          imageUrl: null,
          createdAt: order.createdAt,
          updatedAt: order.createdAt,
          version: 1,
        },
      }) as const;
    const items = await productUpdates(replica.follow)(call(tenant, { productId }));
    const { database } = installation;
    await write(database, tenant, product(orderId, 'other'));
    await write(database, tenant, { type: 'products.imported', products: 2 });
    await write(database, tenant, product(productId, 'end'));
    expect((await collect(items, '"end"')).map(({ data }) => data)).toEqual([
      { type: 'started' },
      product(productId, 'end'),
    ]);
  });
});
