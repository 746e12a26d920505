import { afterAll, beforeAll, expect, test } from 'vitest';
import { pathsOf, setUp, until, type Setup } from './support.ts';

// Access tokens that last four seconds: the client renews them after two.
let setup: Setup;
beforeAll(async () => {
  setup = await setUp({ OLYMPUS_ACCESS_TOKEN_SECONDS: '4' });
});
afterAll(() => setup.close());

test.each(['ws', 'sse'] as const)(
  'live updates over %s outlive many access tokens',
  async (subscriptions) => {
    const api = await setup.client({ transport: { subscriptions } });
    const seen: string[] = [];
    const errors: unknown[] = [];
    const updates = api.products.updates.subscribe(
      {},
      {
        onData: ({ data }) => void (data.type === 'product.created' && seen.push(data.product.sku)),
        onError: (error) => errors.push(error),
      },
    );
    await until(() => pathsOf(setup.proxy).length > 0);
    const price = { amount: '1.00', currency: 'GBP' };
    const placed: string[] = [];
    for (const end = Date.now() + 9_000; Date.now() < end;) {
      const { sku } = await api.products.create.mutate({ sku: `${subscriptions}-${Date.now()}`, name: 'Mug', price });
      placed.push(sku);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    await until(() => seen.length >= placed.length);
    updates.unsubscribe();
    expect(seen).toEqual(placed);
    expect(errors).toEqual([]);
    const paths = pathsOf(setup.proxy);
    expect(paths.filter((path) => path === 'auth.refresh').length).toBeGreaterThanOrEqual(2);
    // The socket is told of new tokens; a stream of events is begun again with one.
    if (subscriptions === 'ws') expect(paths.filter((path) => path === '/ws')).toHaveLength(1);
    else expect(paths.filter((path) => path === 'products.updates').length).toBeGreaterThanOrEqual(2);
  },
  20_000,
);

test('an idle socket renews its token by itself', async () => {
  const api = await setup.client();
  const errors: unknown[] = [];
  const updates = api.products.updates.subscribe({}, { onError: (error) => errors.push(error) });
  await new Promise((resolve) => setTimeout(resolve, 6_500));
  updates.unsubscribe();
  expect(errors).toEqual([]);
  expect(pathsOf(setup.proxy).filter((path) => path === '/ws')).toHaveLength(1);
  expect(pathsOf(setup.proxy).filter((path) => path === 'auth.refresh').length).toBeGreaterThanOrEqual(2);
}, 20_000);
