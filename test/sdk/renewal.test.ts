import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startFaultProxy } from './fault-proxy.ts';
import { pathsOf, setUp, until, type Setup } from './support.ts';

// Access tokens that last six seconds: the client renews them after three.
let setup: Setup;
beforeAll(async () => {
  setup = await setUp({ OLYMPUS_ACCESS_TOKEN_SECONDS: '6' });
});
afterAll(() => setup.close());

const longer = 10_000;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

// Each has a proxy of its own, so that they may wait together.
describe.concurrent('live updates outlive access tokens', () => {
  test.each(['ws', 'sse'] as const)('in use, over %s', async (subscriptions) => {
    const proxy = await startFaultProxy(setup.olympus.url);
    const api = await setup.client({ url: proxy.url, transport: { subscriptions } });
    const seen: string[] = [];
    const errors: unknown[] = [];
    let started = false;
    const updates = api.products.updates.subscribe(
      {},
      {
        onStarted: () => (started = true),
        onData: ({ data }) => {
          if (data.type === 'product.created') seen.push(data.product.sku);
        },
        onError: (error) => errors.push(error),
      },
    );
    await until(() => started);
    const price = { amount: '1.00', currency: 'GBP' };
    const added: string[] = [];
    for (const end = Date.now() + longer; Date.now() < end; await pause(500)) {
      const { sku } = await api.products.create.mutate({ sku: `${added.length}`, name: 'Mug', price });
      added.push(sku);
    }
    await until(() => seen.length >= added.length);
    updates.unsubscribe();
    expect(seen).toEqual(added);
    expect(errors).toEqual([]);
    const paths = pathsOf(proxy);
    expect(paths.filter((path) => path === 'auth.refresh').length).toBeGreaterThanOrEqual(2);
    // The socket is told of new tokens; a stream of events is begun again with one.
    if (subscriptions === 'ws') expect(paths.filter((path) => path === '/ws')).toHaveLength(1);
    else expect(paths.filter((path) => path === 'products.updates').length).toBeGreaterThanOrEqual(2);
    await proxy.close();
  });

  test('on an idle socket, which asks for them by itself', async () => {
    const proxy = await startFaultProxy(setup.olympus.url);
    const api = await setup.client({ url: proxy.url });
    const errors: unknown[] = [];
    const updates = api.products.updates.subscribe({}, { onError: (error) => errors.push(error) });
    await pause(longer);
    updates.unsubscribe();
    expect(errors).toEqual([]);
    expect(pathsOf(proxy).filter((path) => path === '/ws')).toHaveLength(1);
    expect(pathsOf(proxy).filter((path) => path === 'auth.refresh').length).toBeGreaterThanOrEqual(2);
    await proxy.close();
  });
});
