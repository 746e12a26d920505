import { contracts, type Product } from '@olympus/contracts';
import { appendAll } from '../../events/outbox.ts';
import { implement, type Handler, type Handlers } from '../../kernel/implement.ts';
import type { Cursors } from '../cursors.ts';
import { page } from '../paging.ts';
import { batch } from './batch.ts';
import * as changes from './changes.ts';
import type { ProductImages } from './images.ts';
import { productList } from './list.ts';
import { eventsOf, toProduct, type ProductChange } from './product.ts';
import { findProduct } from './repository.ts';

export interface ProductsDependencies {
  readonly cursors: Cursors;
  readonly images: ProductImages;
  readonly importer: Handler<typeof contracts.products.import>;
  readonly follow: Handler<typeof contracts.products.updates>;
}

export function products({
  cursors,
  images,
  importer,
  follow,
}: ProductsDependencies): Handlers<typeof contracts.products> {
  const told = async (ctx: changes.Changing, changing: Promise<ProductChange>): Promise<Product> => {
    const change = await changing;
    await appendAll(ctx, eventsOf([change]));
    if (change.before) ctx.record({ before: change.before, after: change.product });
    return images.shown(ctx, change.product);
  };
  return implement(contracts.products, {
    async list({ input, ctx }) {
      const { items, ...rest } = await page(ctx.db, cursors, { input, list: productList(ctx.db, input) });
      return { ...rest, items: items.map((product) => images.shown(ctx, product)) };
    },
    get: async ({ input: { id }, ctx, fail }) => {
      const row = await findProduct(ctx.db, id);
      return row ? images.shown(ctx, toProduct(row)) : fail('PRODUCT_NOT_FOUND', { id });
    },
    create: ({ input, ctx, fail }) => told(ctx, changes.create(ctx, input, fail)),
    update: ({ input, ctx, fail }) => told(ctx, changes.update(ctx, input, fail)),
    replace: ({ input, ctx, fail }) => told(ctx, changes.replace(ctx, input, fail)),
    archive: async ({ input, ctx, fail }) => {
      await told(ctx, changes.archive(ctx, input, fail));
      return null;
    },
    adjustStock: ({ input, ctx, fail }) => told(ctx, changes.adjustStock(ctx, input, fail)),
    getImage: images.getImage,
    setImage: images.setImage,
    removeImage: images.removeImage,
    async batch(call) {
      const { results } = await batch(call);
      const show = (product: Product | null) => product && images.shown(call.ctx, product);
      return { results: results.map((result) => ({ ...result, product: show(result.product) })) };
    },
    import: importer,
    updates: images.shownIn(follow),
  });
}
