import type { Product, StoredFile } from '@olympus/contracts';
import type { Db, InTransaction } from '@olympus/database';
import type { Context, Principal, TransactionContext } from '../../kernel/context.ts';
import { Failure } from '../../kernel/failure.ts';
import type { Storage } from '../../platform/storage/storage.ts';
import type { Links } from './links.ts';
import { checkQuota, marginMs, receive, type FileLimits, type Incoming, type Received } from './receive.ts';
import * as repository from './repository.ts';

type Serving = Pick<Context<Principal | null>, 'serve'>;
type Changing = TransactionContext<InTransaction<Db>>;

/** The files of tenants, as other domains use them. */
export interface FileKeeper {
  /** Checks an image while it passes by, and stores it until a transaction keeps it. */
  receive(ctx: Context, incoming: Incoming): Promise<Received>;
  /** Makes what was received the file of a product, in the place of the one before. */
  keep(tx: Changing, received: Received, file: { id: string; productId: string; userId: string }): Promise<void>;
  /** Takes the file of a product away; false when there is none. */
  remove(tx: TransactionContext, productId: string): Promise<boolean>;
  /** Answers a call with the file of a product; null when there is none. */
  serveOfProduct(ctx: Serving & { db: Db }, productId: string): Promise<StoredFile | null>;
  serve(ctx: Serving, tenantId: string, row: repository.FileRow): StoredFile;
  /** A product as a caller of the tenant sees it: the link to its image is made when it is looked at. */
  shown(tenantId: string, product: Product): Product;
}

export interface KeeperDependencies {
  readonly storage: Storage;
  readonly links: Links;
  readonly limits: FileLimits;
}

export function createKeeper({ storage, links, limits }: KeeperDependencies): FileKeeper {
  const serve: FileKeeper['serve'] = (ctx, tenantId, { storageKey, ...file }) => {
    const extension = file.mediaType.split('/')[1] ?? 'bin';
    ctx.serve({
      mediaType: file.mediaType,
      bytes: file.bytes,
      etag: file.sha256,
      lastModified: file.createdAt,
      name: `${file.id}.${extension}`,
      read: (range) => storage.read(storageKey, range),
    });
    return { ...file, url: links.urlOf(tenantId, file.id) };
  };
  return {
    serve,
    receive: (ctx, incoming) => receive(ctx, incoming, { storage, limits }),
    async keep({ db, clock }, received, { id, productId, userId }) {
      const now = clock.now();
      await repository.removeFileOfProduct(db, productId, now);
      await repository.lockQuota(db);
      await checkQuota(db, { now, more: received.bytes, limits });
      const kept = await repository.keep(db, received.storageKey, new Date(now.getTime() + marginMs));
      // It took longer than its bytes were reserved for.
      if (!kept) throw new Failure('DEADLINE_EXCEEDED', null);
      await repository.insertFile(db, { ...received, id, productId, createdBy: userId, createdAt: now });
    },
    remove: ({ db, clock }, productId) => repository.removeFileOfProduct(db, productId, clock.now()),
    async serveOfProduct(ctx, productId) {
      const row = await repository.findFileOfProduct(ctx.db, productId);
      return row ? serve(ctx, ctx.db.tenantId, row) : null;
    },
    shown(tenantId, product) {
      const { image } = product;
      if (image) return { ...product, image: { ...image, url: links.urlOf(tenantId, image.id) } };
      // Events from before there were images have none.
      return image === null ? product : { ...product, image: null };
    },
  };
}
