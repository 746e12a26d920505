// Run by `package.test.ts` in a project that has the tarball and nothing else.
import { createOlympus, isFailure } from '@olympus/client';
import { TRPCClientError } from '@trpc/client';

const [url, account] = [process.argv[2], JSON.parse(process.argv[3])];
const api = createOlympus({ url, transport: { subscriptions: 'sse' } });
await api.auth.login.mutate(account);
const product = await api.products.create.mutate({
  sku: 'esm',
  name: 'Mug',
  price: { amount: '2.50', currency: 'GBP' },
  stock: 1,
});
const updates = api.products.updates.subscribe({});
const started = await updates.next();
await api.products.adjustStock.mutate({ id: product.id, delta: 1 });
const adjusted = await updates.next();
await updates.return();
const error = await api.orders.create.mutate({ items: [{ productId: product.id, quantity: 999 }] }).catch((e) => e);
const skus = [];
for await (const { sku } of api.products.list.items({ limit: 1 })) skus.push(sku);
console.log(
  JSON.stringify({
    date: product.createdAt instanceof Date,
    events: [started, adjusted].map(({ value }) => value.data.type),
    code: isFailure(error, 'OUT_OF_STOCK') && error.failure.data.requested,
    trpc: error instanceof TRPCClientError,
    skus,
  }),
);
api.$close();
