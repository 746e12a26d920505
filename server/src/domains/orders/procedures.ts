import { contracts } from '@olympus/contracts';
import { implement, type Handler, type Handlers } from '../../kernel/implement.ts';
import type { Cursors } from '../cursors.ts';
import { page } from '../paging.ts';
import { batch } from './batch.ts';
import { applyChange } from './changes.ts';
import { orderList } from './list.ts';
import { toOrder } from './order.ts';
import { placing } from './place.ts';
import { findOrders } from './repository.ts';
import { moving, revising } from './revise.ts';

export interface OrdersDependencies {
  readonly cursors: Cursors;
  readonly importer: Handler<typeof contracts.orders.import>;
  readonly exporter: Handler<typeof contracts.orders.export>;
  readonly follow: Handler<typeof contracts.orders.updates>;
}

export const orders = (deps: OrdersDependencies): Handlers<typeof contracts.orders> =>
  implement(contracts.orders, {
    list: ({ input, ctx: { db } }) => page(db, deps.cursors, { input, list: orderList(db, input) }),
    get: async ({ input: { id }, ctx, fail }) => {
      const [row] = await findOrders(ctx.db, [id]);
      return row ? toOrder(row) : fail('ORDER_NOT_FOUND', { id });
    },
    create: ({ input, ctx, fail }) => applyChange(ctx, placing(ctx.ids.next(), input, fail)),
    update: ({ input, ctx, fail }) => applyChange(ctx, revising(input, fail)),
    setStatus: ({ input, ctx, fail }) => applyChange(ctx, moving(input, fail)),
    cancel: ({ input, ctx, fail }) => applyChange(ctx, moving({ ...input, status: 'cancelled' }, fail)),
    batch,
    import: deps.importer,
    export: deps.exporter,
    updates: deps.follow,
  });
