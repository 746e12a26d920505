import { httpBatchLink, splitLink, type TRPCLink } from '@trpc/client';
import superjson from 'superjson';
import { isBare, type WireContext } from './calls.ts';
import { jsonFetch, ownHeaders, signedHeaders, type Endpoint } from './endpoint.ts';
import type { OlympusRouter } from './procedures.ts';

/** How calls of one tick share a request. */
export interface BatchOptions {
  /** Calls in one request. Default: 50; 1 sends each alone. */
  maxItems?: number;
  /** tRPC's `httpBatchStreamLink` delivers each answer as soon as it is ready, rather than all when the last one is. */
  link?: (options: never) => TRPCLink<OlympusRouter>;
}

// Longer addresses are refused by some proxies.
const maxURLLength = 6_000;

/** Queries and mutations over HTTP, batched; sign-ins alone and without a token. */
export function httpLink(
  endpoint: Endpoint,
  { maxItems = 50, link = httpBatchLink }: BatchOptions,
): TRPCLink<OlympusRouter> {
  const wire = { url: `${endpoint.url}/trpc`, transformer: superjson, fetch: jsonFetch(endpoint) as never };
  return splitLink({
    condition: isBare,
    true: httpBatchLink({ ...wire, maxItems: 1, headers: () => ownHeaders(endpoint) }),
    false: (link as typeof httpBatchLink)({
      ...wire,
      maxItems,
      maxURLLength,
      headers: async ({ opList }) => {
        const calls = opList.map(({ context }) => context as WireContext);
        const headers = await signedHeaders(endpoint, calls);
        const keys = calls.map(({ idempotencyKey }) => idempotencyKey ?? '');
        return keys.some(Boolean) ? { ...headers, 'idempotency-key': keys.join(',') } : headers;
      },
    }),
  });
}
