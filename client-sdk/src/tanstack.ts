import type { QueryClient } from '@tanstack/react-query';
import { getUntypedClient, type TRPCClient } from '@trpc/client';
import { createTRPCOptionsProxy, type TRPCOptionsProxy } from '@trpc/tanstack-react-query';
import { createContext, createElement, useContext, useMemo, type ReactElement, type ReactNode } from 'react';
import type { Olympus } from './client-types.ts';
import type { OlympusRouter } from './procedures.ts';

export { useSubscription } from '@trpc/tanstack-react-query';

/** Options, keys and filters of TanStack Query for every procedure: `queries.orders.list.queryOptions({ limit: 20 })`. */
export type OlympusQueries = TRPCOptionsProxy<OlympusRouter>;

interface Setup {
  readonly client: Olympus;
  readonly queryClient: QueryClient;
}

/** The bindings without React's context, as for prefetching on a server. */
export const olympusQueries = ({ client, queryClient }: Setup): OlympusQueries =>
  createTRPCOptionsProxy<OlympusRouter>({ client: withoutDirection(client), queryClient });

const Context = createContext<{ client: Olympus; queries: OlympusQueries } | null>(null);

/** Gives a client to the components below it, which call `useOlympus`. Stands inside a `QueryClientProvider`. */
export function OlympusProvider({ client, queryClient, children }: Setup & { children?: ReactNode }): ReactElement {
  const value = useMemo(() => ({ client, queries: olympusQueries({ client, queryClient }) }), [client, queryClient]);
  return createElement(Context.Provider, { value }, children);
}

/** `useQuery(useOlympus().orders.list.queryOptions({ limit: 20 }))` */
export const useOlympus = (): OlympusQueries => useProvided().queries;
/** The client itself. */
export const useOlympusClient = (): Olympus => useProvided().client;

function useProvided() {
  const value = useContext(Context);
  if (!value) throw new Error('useOlympus is called outside of an <OlympusProvider>');
  return value;
}

/** Infinite queries add a `direction` to their input, which no contract knows and the server refuses. */
function withoutDirection(client: Olympus): TRPCClient<OlympusRouter> {
  const untyped = getUntypedClient<OlympusRouter>(client);
  const query: typeof untyped.query = (path, input, options) => {
    const { direction: _, ...rest } = (input ?? {}) as { direction?: unknown };
    return untyped.query(path, input === undefined ? input : rest, options);
  };
  const bindings = {
    query,
    mutation: untyped.mutation.bind(untyped),
    subscription: untyped.subscription.bind(untyped),
  };
  return { [Symbol.for('trpc_untypedClient')]: bindings } as unknown as TRPCClient<OlympusRouter>;
}
