import { errors, mutation, query, subscription } from '@olympus/contracts';
import { implement, type Handlers } from '@olympus/server/kernel/implement.ts';
import { z } from 'zod';

const { OUT_OF_STOCK, PRODUCT_NOT_FOUND } = errors;
const common = { summary: '', operationId: '', access: 'products:read' } as const;
const contracts = {
  ping: query({ ...common, rest: 'GET /ping', access: 'public', output: z.literal('pong') }),
  mugs: {
    get: query({
      ...common,
      rest: 'GET /mugs/{id}',
      input: z.strictObject({ id: z.string(), limit: z.int().default(20) }),
      output: z.object({ id: z.string(), madeAt: z.date() }),
      errors: { PRODUCT_NOT_FOUND },
    }),
    sell: mutation({
      ...common,
      rest: 'POST /mugs/{id}/sell',
      input: z.strictObject({ id: z.string() }),
      output: z.null(),
      errors: { OUT_OF_STOCK },
    }),
    follow: subscription({ ...common, rest: 'GET /mugs/events', tracked: true, output: z.object({ n: z.int() }) }),
    count: subscription({ ...common, rest: 'GET /mugs/count', output: z.int() }),
  },
};

declare const good: Handlers<typeof contracts>;
const { mugs } = good;
implement(contracts, good);
implement(contracts, {
  ping: async ({ ctx }) => {
    // @ts-expect-error a public procedure may have no principal
    const user: string = ctx.principal.userId;
    if (user) return 'pong';
    return 'pong';
  },
  mugs: {
    get: async ({ input, ctx, fail }) => {
      const limit: number = input.limit;
      const user: string = ctx.principal.userId;
      if (limit === 0) fail('PRODUCT_NOT_FOUND', { id: user });
      if (limit === 1) fail('VERSION_CONFLICT', { currentVersion: 1 });
      // @ts-expect-error an error that the contract does not declare
      if (limit === 2) fail('OUT_OF_STOCK', { productId: '', sku: '', requested: 1, available: 0 });
      // @ts-expect-error the data of the error are missing
      if (limit === 3) fail('PRODUCT_NOT_FOUND');
      // @ts-expect-error the data of the error are another's
      if (limit === 4) fail('PRODUCT_NOT_FOUND', { sku: '' });
      return { id: input.id, madeAt: new Date() };
    },
    sell: async ({ fail }) => fail('OUT_OF_STOCK', { productId: '', sku: '', requested: 1, available: 0 }),
    follow: async function* () {
      yield { id: '1', data: { n: 1 } };
    },
    count: async function* () {
      yield 1;
    },
  },
});

const without = { ping: good.ping, mugs: { get: mugs.get, sell: mugs.sell, follow: mugs.follow } };
const untracked = async function* () {
  yield { n: 1 };
};
const stream = async function* () {
  yield 'pong' as const;
};

// @ts-expect-error a verb is missing
implement(contracts, without);
// @ts-expect-error a domain is missing
implement(contracts, { ping: good.ping });
// @ts-expect-error a verb too many
implement(contracts, { ...good, mugs: { ...mugs, extra: async () => null } });
// @ts-expect-error a domain too many
implement(contracts, { ...good, extra: {} });
// @ts-expect-error another literal
implement(contracts, { ...good, ping: async () => 'nope' });
// @ts-expect-error a field is missing
implement(contracts, { ...good, mugs: { ...mugs, get: async ({ input }) => ({ id: input.id }) } });
// @ts-expect-error a date is no text
implement(contracts, { ...good, mugs: { ...mugs, get: async () => ({ id: '', madeAt: '2010-12-01' }) } });
// @ts-expect-error a verb takes what its contract says
implement(contracts, { ...good, mugs: { ...mugs, sell: async ({ input }) => input.quantity } });
// @ts-expect-error tracked events need an id
implement(contracts, { ...good, mugs: { ...mugs, follow: untracked } });
// @ts-expect-error a subscription is no promise of one value
implement(contracts, { ...good, mugs: { ...mugs, count: async () => 1 } });
// @ts-expect-error a query is no stream
implement(contracts, { ...good, ping: stream });
