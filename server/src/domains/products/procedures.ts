import { contracts, type Product } from '@olympus/contracts';
import { appendAll } from '../../events/outbox.ts';
import type { Context, TransactionContext } from '../../kernel/context.ts';
import { implement, type Handler, type Handlers } from '../../kernel/implement.ts';
import type { Cursors } from '../cursors.ts';
import { page } from '../paging.ts';
import { batch } from './batch.ts';
import * as changes from './changes.ts';
import { productList } from './list.ts';
import { eventsOf, toProduct, type ProductChange } from './product.ts';
import { findProduct } from './repository.ts';

export interface ProductsDependencies {
  readonly cursors: Cursors;
  readonly importer: Handler<typeof contracts.products.import>;
  readonly follow: Handler<typeof contracts.products.updates>;
}

export const products = ({ cursors, importer, follow }: ProductsDependencies): Handlers<typeof contracts.products> =>
  implement(contracts.products, {
    list: ({ input, ctx: { db } }) => page(db, cursors, { input, list: productList(db, input) }),
    get: async ({ input: { id }, ctx, fail }) => {
      const row = await findProduct(ctx.db, id);
      return row ? toProduct(row) : fail('PRODUCT_NOT_FOUND', { id });
    },
    create: ({ input, ctx, fail }) => told(ctx, changes.create(ctx, input, fail)),
    update: ({ input, ctx, fail }) => told(ctx, changes.update(ctx, input, fail)),
    replace: ({ input, ctx, fail }) => told(ctx, changes.replace(ctx, input, fail)),
    archive: async ({ input, ctx, fail }) => {
      await told(ctx, changes.archive(ctx, input, fail));
      return null;
    },
    adjustStock: ({ input, ctx, fail }) => told(ctx, changes.adjustStock(ctx, input, fail)),
    batch,
    import: importer,
    updates: follow,
  });

async function told(
  ctx: TransactionContext & Pick<Context, 'record'>,
  changing: Promise<ProductChange>,
): Promise<Product> {
  const change = await changing;
  await appendAll(ctx, eventsOf([change]));
  if (change.before) ctx.record({ before: change.before, after: change.product });
  return change.product;
}
