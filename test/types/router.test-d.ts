import type { ErrorShape, Order, OrderStatus } from '@olympus/contracts';
import type { AppRouter, RouterInputs, RouterOutputs } from '@olympus/server/transports/trpc-router.ts';
import { createTRPCClient, httpBatchLink, httpSubscriptionLink, safe, splitLink } from '@trpc/client';
import superjson from 'superjson';
import { expectTypeOf } from 'vitest';

const client = createTRPCClient<AppRouter>({
  links: [
    splitLink({
      condition: ({ type }) => type === 'subscription',
      true: httpSubscriptionLink({ url: '', transformer: superjson }),
      false: httpBatchLink({ url: '', transformer: superjson }),
    }),
  ],
});

// What a caller gets.
const order = await client.orders.get.query({ id: '' });
expectTypeOf(order).toEqualTypeOf<Order>();
expectTypeOf(order.placedAt).toEqualTypeOf<Date>();
expectTypeOf<RouterOutputs['orders']['get']>().toEqualTypeOf<Order>();
expectTypeOf<RouterOutputs['auth']['logout']>().toEqualTypeOf<null>();

// What a caller sends: defaults need not be given.
expectTypeOf<RouterInputs['orders']['setStatus']['status']>().toEqualTypeOf<OrderStatus>();
await client.orders.list.query({});
await client.orders.list.query({ limit: 5, status: 'pending' });
await client.auth.me.query();

// Events come with the id to resume from, exports do not.
client.orders.updates.subscribe(
  { lastEventId: '7' },
  {
    onData: (event) => {
      expectTypeOf(event.id).toEqualTypeOf<string>();
      if (event.data.type === 'order.created') expectTypeOf(event.data.order).toEqualTypeOf<Order>();
    },
  },
);
client.orders.export.subscribe({}, { onData: (line) => expectTypeOf(line.placedAt).toEqualTypeOf<Date>() });

// Errors carry the failure.
const [, error] = await safe(client.orders.get.query({ id: '' }));
if (error) expectTypeOf<NonNullable<typeof error.shape>>().toEqualTypeOf<ErrorShape>();

// @ts-expect-error an order is not a number
expectTypeOf(order).toEqualTypeOf<number>();
// @ts-expect-error the input has another type
await client.orders.get.query({ id: 1 });
// @ts-expect-error the input is missing
await client.orders.get.query();
// @ts-expect-error the field is not known
await client.orders.list.query({ statsu: 'pending' });
// @ts-expect-error the status is none
await client.orders.list.query({ status: 'lost' });
// @ts-expect-error it is a query
await client.orders.get.mutate({ id: '' });
// @ts-expect-error there is no such procedure
await client.orders.nope.query();
// @ts-expect-error there is no such domain
await client.nope.get.query();
// @ts-expect-error dates need the transformer
createTRPCClient<AppRouter>({ links: [httpBatchLink({ url: '' })] });
// @ts-expect-error an instant is a Date
const text: string = order.placedAt;
// @ts-expect-error me takes no input
await client.auth.me.query({ id: '' });
export { text };
