import { olympusQueries, useOlympus, type OlympusQueries } from '@olympus/client/tanstack';
import type { Olympus, Order } from '@olympus/client';
import { QueryClient, useInfiniteQuery, useMutation, useQuery } from '@tanstack/react-query';
import { same, type Same } from './same.ts';

// Compiled only, as `types.ts` is.

export function useEverything(client: Olympus): void {
  const queries = useOlympus();
  const order = useQuery(queries.orders.get.queryOptions({ id: 'o' }));
  same<Same<typeof order.data, Order | undefined>>();
  const failure = order.error?.data?.failure;
  if (failure?.code === 'ORDER_NOT_FOUND') same<Same<typeof failure.data.id, string>>();
  const pages = useInfiniteQuery(
    queries.orders.list.infiniteQueryOptions({ limit: 20 }, { getNextPageParam: ({ nextCursor }) => nextCursor }),
  );
  same<Same<NonNullable<typeof pages.data>['pages'][number]['items'][number]['number'], string>>();
  const place = useMutation(queries.orders.create.mutationOptions());
  place.mutate({ items: [{ productId: 'p', quantity: 1 }] });
  // @ts-expect-error a quantity is missing
  place.mutate({ items: [{ productId: 'p' }] });
  // @ts-expect-error an unknown status
  queries.orders.list.queryOptions({ status: 'lost' });
  const outside: OlympusQueries = olympusQueries({ client, queryClient: new QueryClient() });
  same<Same<(typeof outside)['orders'], (typeof queries)['orders']>>();
}
