import { contracts } from '@olympus/contracts';
import type { Context } from '../../kernel/context.ts';
import { implement, type Handler, type Handlers } from '../../kernel/implement.ts';
import type { Cursors } from '../cursors.ts';
import { page } from '../paging.ts';
import { batch } from './batch.ts';
import { applyChange } from './changes.ts';
import { orderList } from './list.ts';
import { toOrder } from './order.ts';
import { placing, type Till } from './place.ts';
import { findOrders } from './repository.ts';
import { moving, revising } from './revise.ts';
import { workflowOf } from './workflow/shown.ts';

export interface OrdersDependencies {
  readonly cursors: Cursors;
  readonly importer: Handler<typeof contracts.orders.import>;
  readonly exporter: Handler<typeof contracts.orders.export>;
  readonly follow: Handler<typeof contracts.orders.updates>;
  /** Milliseconds until payments must be authorized; null or absent: nobody takes payments. */
  readonly authorizeMs?: number | null;
}

export const orders = (deps: OrdersDependencies): Handlers<typeof contracts.orders> => {
  const tillOf = ({ ids }: Pick<Context, 'ids'>): Till => ({
    nextId: () => ids.next(),
    authorizeMs: deps.authorizeMs ?? null,
  });
  return implement(contracts.orders, {
    list: ({ input, ctx: { db } }) => page(db, deps.cursors, { input, list: orderList(db, input) }),
    get: async ({ input: { id }, ctx, fail }) => {
      const [row] = await findOrders(ctx.db, [id]);
      return row ? toOrder(row) : fail('ORDER_NOT_FOUND', { id });
    },
    create: ({ input, ctx, fail }) => applyChange(ctx, placing(input, tillOf(ctx), fail)),
    update: ({ input, ctx, fail }) => applyChange(ctx, revising(input, fail)),
    setStatus: ({ input, ctx, fail }) => applyChange(ctx, moving(input, fail)),
    cancel: ({ input, ctx, fail }) => applyChange(ctx, moving({ ...input, status: 'cancelled' }, fail)),
    workflow: async ({ input: { id }, ctx, fail }) => {
      const [row] = await findOrders(ctx.db, [id]);
      return row ? workflowOf(ctx.db, row) : fail('ORDER_NOT_FOUND', { id });
    },
    batch: (call) => batch(call, tillOf(call.ctx)),
    import: deps.importer,
    export: deps.exporter,
    updates: deps.follow,
  });
};
