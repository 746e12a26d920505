import {
  createOlympus,
  isFailure,
  outcome,
  storedSession,
  type FailureOf,
  type Inputs,
  type Olympus,
  type Order,
  type OrderStatus,
  type Outputs,
} from '@olympus/client';
import { httpBatchStreamLink } from '@trpc/client';
import { same, type Same } from './same.ts';

// Compiled only: in this repository against the contracts, and by `package.test.ts` against the tarball.

export async function calls(api: Olympus): Promise<void> {
  const page = await api.orders.list.query({ limit: 20, status: 'pending' });
  same<Same<typeof page, Outputs['orders']['list']>>();
  same<Same<(typeof page)['nextCursor'], string | null>>();
  same<Same<(typeof page)['items'][number]['placedAt'], Date>>();
  same<Same<(typeof page)['items'][number]['status'], OrderStatus>>();
  const order: Order = await api.orders.create.mutate({ items: [{ productId: 'p', quantity: 1 }] });
  same<Same<(typeof order)['items'][number]['unitPrice'], { amount: string; currency: string }>>();
  const { results } = await api.orders.batch.mutate({ operations: [{ op: 'create', order: { items: [] } }] });
  same<Same<(typeof results)[number]['order'], Order | null>>();
  await api.auth.me.query(undefined, { signal: new AbortController().signal, context: { timeoutMs: 500 } });

  // @ts-expect-error an unknown status
  await api.orders.list.query({ status: 'lost' });
  // @ts-expect-error an unknown filter
  await api.orders.list.query({ statuss: 'pending' });
  // @ts-expect-error an input is missing
  await api.orders.get.query();
  // @ts-expect-error a query is not mutated
  await api.orders.list.mutate({});
  // @ts-expect-error no such procedure
  await api.orders.erase.mutate({});
  // @ts-expect-error a price is text, never a float
  await api.products.create.mutate({ sku: 's', name: 'n', price: { amount: 1.5, currency: 'GBP' } });
}

export async function streams(api: Olympus): Promise<void> {
  const stop = api.orders.updates.subscribe(
    { status: 'pending' },
    {
      onData({ id, data }) {
        same<Same<typeof id, string>>();
        if (data.type === 'order.created') same<Same<typeof data.order, Order>>();
        // @ts-expect-error an import carries no order
        if (data.type === 'orders.imported') void data.order;
      },
    },
  );
  stop.unsubscribe();
  for await (const { data } of api.analytics.live.subscribe({})) same<Same<typeof data.revenue.amount, string>>();
  for await (const { number } of api.orders.list.items({ limit: 100 })) same<Same<typeof number, string>>();
  for await (const { items } of api.products.list.pages({})) same<Same<(typeof items)[number]['sku'], string>>();
  for await (const line of api.orders.export.stream({ kind: 'sale' })) same<Same<typeof line.placedAt, Date>>();
  const report = await api.orders.import.stream(new Blob(['…']), { strict: true, kinds: 'C=return' });
  same<Same<typeof report.errors, Array<{ line: number; message: string }>>>();
  await api.products.import.stream('sku,name\n');

  // @ts-expect-error one order has no pages
  api.orders.get.pages({ id: 'o' });
  // @ts-expect-error a list is no stream
  api.orders.list.stream({});
  // @ts-expect-error products have no kinds
  await api.products.import.stream('', { kinds: 'C=return' });
}

export async function failures(api: Olympus): Promise<void> {
  try {
    await api.orders.create.mutate({ items: [] });
  } catch (error) {
    if (isFailure(error, 'OUT_OF_STOCK')) same<Same<typeof error.failure.data.available, number>>();
    if (isFailure(error, 'OUT_OF_STOCK', 'ILLEGAL_TRANSITION') && error.failure.code === 'ILLEGAL_TRANSITION')
      same<Same<typeof error.failure.data.allowed, OrderStatus[]>>();
    if (isFailure(error) && error.failure.code === 'RATE_LIMITED')
      same<Same<typeof error.failure.data.retryAfter, number>>();
    // @ts-expect-error no such code
    isFailure(error, 'OUT_OF_STOKC');
  }
  type Placing = FailureOf<typeof api.orders.create>['code'];
  same<Same<Extract<Placing, 'OUT_OF_STOCK' | 'NETWORK' | 'INTERNAL'>, 'OUT_OF_STOCK' | 'NETWORK' | 'INTERNAL'>>();
  same<Same<Extract<Placing, 'SKU_TAKEN'>, never>>();
  const placed = await outcome(api.orders.create.mutate({ items: [] }));
  if (placed.ok) same<Same<typeof placed.value, Order>>();
  else if (placed.failure.code === 'OUT_OF_STOCK') same<Same<typeof placed.failure.data.sku, string>>();
  // @ts-expect-error orders.create does not declare it
  else if (placed.failure.code === 'SKU_TAKEN') return;
}

export const input: Inputs['orders']['setStatus'] = { id: 'o', status: 'confirmed' };
export const client: Olympus = createOlympus({
  url: 'https://api.example.com',
  session: storedSession(localStorage),
  onSessionEnd: ({ failure }) => same<Same<typeof failure.status, number>>(),
  transport: { subscriptions: 'sse' },
  batch: { maxItems: 10, link: httpBatchStreamLink },
});
