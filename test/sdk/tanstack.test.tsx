import { isFailure, type Olympus } from '@olympus/client';
import {
  olympusQueries,
  OlympusProvider,
  useOlympus,
  useOlympusClient,
  useSubscription,
} from '@olympus/client/tanstack';
import {
  QueryClient,
  QueryClientProvider,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query';
import { Window } from 'happy-dom';
import { act, type ReactNode } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { addProduct, pathsOf, setUp, type Setup } from './support.ts';

const page = (window?: Window) => ({ window, document: window?.document, IS_REACT_ACT_ENVIRONMENT: true });
let setup: Setup;
let root: Root | undefined;
beforeAll(async () => {
  const window = new Window();
  // The page only: requests stay with Node's own fetch.
  Object.assign(globalThis, page(window));
  setup = await setUp();
});
afterAll(async () => {
  await setup.close();
  // Without a page, the files that follow in this process are Node's again.
  for (const name of Object.keys(page())) Reflect.deleteProperty(globalThis, name);
});
afterEach(() => act(async () => root?.unmount()));

/** Renders under the providers; returns the page's text as it is now, and a way to press its buttons. */
async function render(api: Olympus, tree: ReactNode) {
  const queryClient = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const container = document.createElement('div');
  document.body.append(container);
  root = createRoot(container);
  await act(async () =>
    root?.render(
      <QueryClientProvider client={queryClient}>
        <OlympusProvider client={api} queryClient={queryClient}>
          {tree}
        </OlympusProvider>
      </QueryClientProvider>,
    ),
  );
  return {
    text: () => container.textContent ?? '',
    /** React renders what came when `act` ends, so it is asked again and again. */
    async shows(text: string) {
      for (let tries = 0; !this.text().includes(text); tries++) {
        if (tries > 500) throw new Error(`it shows: ${this.text()}`);
        await act(() => new Promise((resolve) => setTimeout(resolve, 20)));
      }
    },
    press: (name: string) =>
      act(async () => [...container.querySelectorAll('button')].find((each) => each.textContent === name)?.click()),
  };
}

function Shop({ productId }: { productId: string }) {
  const queries = useOlympus();
  const queryClient = useQueryClient();
  const product = useQuery(queries.products.get.queryOptions({ id: productId }));
  const orders = useQuery(queries.orders.list.queryOptions({ withTotal: true }));
  const place = useMutation(
    queries.orders.create.mutationOptions({
      onSuccess: () => queryClient.invalidateQueries({ queryKey: queries.orders.pathKey() }),
    }),
  );
  const updates = useSubscription(queries.orders.updates.subscriptionOptions({}));
  const order = (quantity: number) => place.mutate({ items: [{ productId, quantity }] });
  return (
    <main>
      {product.data && `${product.data.sku} since ${product.data.createdAt.getFullYear()}`}
      {orders.data && `; ${orders.data.totalCount} orders`}
      {`; live ${updates.status} ${updates.data?.data.type ?? 'nothing'}`}
      {isFailure(place.error, 'OUT_OF_STOCK') && `; only ${place.error.failure.data.available} left`}
      <button onClick={() => order(1)}>one</button>
      <button onClick={() => order(99)}>many</button>
    </main>
  );
}

test('queries, mutations and live updates, in a page', async () => {
  const api = await setup.client();
  const product = await addProduct(api, 5);
  const page = await render(api, <Shop productId={product.id} />);
  await page.shows(`${product.sku} since ${new Date().getFullYear()}; 0 orders`);
  await page.shows('live pending started');
  await page.press('one');
  await page.shows('1 orders');
  await page.shows('live pending order.created');
  await page.press('many');
  await page.shows('only 4 left');
  expect(pathsOf(setup.proxy)).toContain('products.get,orders.list');
});

function Pages() {
  const queries = useOlympus();
  const list = useInfiniteQuery(
    queries.products.list.infiniteQueryOptions({ limit: 2 }, { getNextPageParam: ({ nextCursor }) => nextCursor }),
  );
  const skus = list.data?.pages.flatMap(({ items }) => items.map(({ sku }) => sku)) ?? [];
  return (
    <main>
      {`${skus.length} products${list.hasNextPage ? ' and more' : ''} ${list.error?.message ?? ''}`}
      <button onClick={() => void list.fetchNextPage()}>next</button>
    </main>
  );
}

test('lists scroll on by their cursors', async () => {
  const api = await setup.client();
  for (let count = 0; count < 5; count++) await addProduct(api);
  const page = await render(api, <Pages />);
  await page.shows('2 products and more');
  await page.press('next');
  await page.shows('4 products and more');
  await page.press('next');
  await page.shows('5 products ');
  expect(page.text()).not.toContain('more');
});

function WhoAmI() {
  const client = useOlympusClient();
  const me = useQuery(useOlympus().auth.me.queryOptions());
  const failed = me.error?.data?.failure.code;
  return <main>{me.data?.user.email ?? failed ?? typeof client.auth.login.mutate}</main>;
}

test('failures come as the procedure declares them', async () => {
  const page = await render(setup.stranger(), <WhoAmI />);
  await page.shows('UNAUTHENTICATED');
  expect(page.text()).toBe('UNAUTHENTICATED');
});

test('outside of React, for prefetching', async () => {
  const api = await setup.client();
  const queryClient = new QueryClient();
  const queries = olympusQueries({ client: api, queryClient });
  const me = await queryClient.fetchQuery(queries.auth.me.queryOptions());
  expect(queryClient.getQueryData(queries.auth.me.queryKey())).toEqual(me);
});
