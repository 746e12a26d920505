import type { contracts, Product, ProductEvent } from '@olympus/contracts';
import { appendAll } from '../../events/outbox.ts';
import type { Context } from '../../kernel/context.ts';
import { Failure, fail as failWith } from '../../kernel/failure.ts';
import type { Handler, Handlers } from '../../kernel/implement.ts';
import { invalidInput } from '../../kernel/steps/validate.ts';
import type { FileKeeper } from '../files/keeper.ts';
import type { Incoming } from '../files/receive.ts';
import type { Uploads } from '../files/uploads.ts';
import { current } from './changes.ts';
import { eventsOf, toProduct } from './product.ts';
import { findProduct, lockProducts, touchProduct } from './repository.ts';

type Verbs = Pick<Handlers<typeof contracts.products>, 'getImage' | 'setImage' | 'removeImage'>;
type Input = Parameters<Verbs['setImage']>[0]['input'];

/** The images of products, and products as callers see them: with links to their images. */
export interface ProductImages extends Verbs {
  shown(ctx: Pick<Context, 'principal'>, product: Product): Product;
  /** Makes the links of products in events when these are delivered; those in the log would have run out. */
  shownIn(follow: Handler<typeof contracts.products.updates>): Handler<typeof contracts.products.updates>;
}

export interface ProductImagesDependencies {
  readonly keeper: FileKeeper;
  readonly uploads: Uploads;
}

export function createProductImages({ keeper, uploads }: ProductImagesDependencies): ProductImages {
  const shown: ProductImages['shown'] = ({ principal }, product) => keeper.shown(principal.tenantId, product);
  return {
    shown,
    shownIn: (follow) => async (call) => shownEvents(await follow(call), (product) => shown(call.ctx, product)),
    async getImage({ input: { id }, ctx, fail }) {
      const file = await keeper.serveOfProduct(ctx, id);
      if (file) return file;
      return (await findProduct(ctx.db, id)) ? fail('IMAGE_NOT_FOUND', { id }) : fail('PRODUCT_NOT_FOUND', { id });
    },
    async setImage({ input, ctx }) {
      const { id, uploadId, expectedVersion } = input;
      const target = { id, expectedVersion };
      // Told before any byte is taken; the transaction looks again.
      await current(ctx.db, target, failWith);
      const incoming = await incomingOf(ctx, input, uploads);
      const received = await keeper.receive(ctx, incoming).catch(async (cause: unknown) => {
        // What is no image now will never be one.
        if (uploadId !== undefined && isRefusal(cause)) await ctx.transaction((tx) => uploads.end(tx, uploadId));
        throw cause;
      });
      const product = await ctx.transaction(async (tx) => {
        const row = await touchProduct(tx.db, target, ctx.clock.now());
        if (!row) return current(tx.db, target, failWith);
        if (uploadId !== undefined && !(await uploads.end(tx, uploadId)))
          failWith('UPLOAD_NOT_FOUND', { id: uploadId });
        await keeper.keep(tx, received, { id: ctx.ids.next(), productId: id, userId: ctx.principal.userId });
        return told(tx, id);
      });
      return shown(ctx, product);
    },
    async removeImage({ input: { id, expectedVersion }, ctx }) {
      const target = { id, expectedVersion };
      // In the order in which `setImage` takes them: the product before its file.
      await lockProducts(ctx.db, [id]);
      await current(ctx.db, target, failWith);
      if (!(await keeper.remove(ctx, id))) return null;
      await touchProduct(ctx.db, target, ctx.clock.now());
      await told(ctx, id);
      return null;
    },
  };
}

/** The product after its change, with the event that tells of it. */
async function told(ctx: Parameters<typeof appendAll>[0], id: string): Promise<Product> {
  const row = await findProduct(ctx.db, id);
  if (!row) return failWith('PRODUCT_NOT_FOUND', { id });
  const product = toProduct(row);
  await appendAll(ctx, eventsOf([{ product, event: 'product.updated' }]));
  return product;
}

/** The image from where the caller put it: the body, a resumable upload, or the input itself. */
async function incomingOf(ctx: Context, { uploadId, content }: Input, uploads: Uploads): Promise<Incoming> {
  const given = [ctx.upload, uploadId, content].filter((source) => source !== undefined && source !== null);
  if (given.length !== 1) {
    const message = 'must hold the image in base64, where it is neither sent as the body nor named by uploadId';
    throw invalidInput([{ field: 'content', code: 'invalid_type', message, nearest: null }]);
  }
  if (uploadId !== undefined) return uploads.open(ctx, uploadId);
  if (content !== undefined) return { declared: null, bytes: once(Buffer.from(content, 'base64')) };
  const upload = await (ctx.upload?.file?.() ?? ctx.upload);
  if (!upload) throw new Error('an upload was counted that is not there');
  return { declared: upload.mediaType, bytes: upload.stream };
}

// oxlint-disable-next-line require-await -- what is read is an async iterable.
async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

const isRefusal = (cause: unknown): boolean =>
  cause instanceof Failure && ['UNSUPPORTED_MEDIA_TYPE', 'IMAGE_REFUSED', 'PAYLOAD_TOO_LARGE'].includes(cause.code);

async function* shownEvents(
  events: AsyncIterable<{ readonly id: string; readonly data: ProductEvent }>,
  show: (product: Product) => Product,
): AsyncGenerator<{ id: string; data: ProductEvent }> {
  for await (const { id, data } of events)
    yield { id, data: 'product' in data ? { ...data, product: show(data.product) } : data };
}
