import type { contracts, ResumableUpload } from '@olympus/contracts';
import type { Db } from '@olympus/database';
import { Upload } from '@tus/server';
import type { Context, TransactionContext } from '../../kernel/context.ts';
import { Failure } from '../../kernel/failure.ts';
import type { Handlers } from '../../kernel/implement.ts';
import { uploadLifetimeMs, type Storage } from '../../platform/storage/storage.ts';
import { checkQuota, type FileLimits, type Incoming } from './receive.ts';
import * as repository from './repository.ts';

/** Resumable uploads, as other domains use them. */
export interface Uploads {
  /** The bytes of an upload that is whole. Throws `UPLOAD_NOT_FOUND` and `UPLOAD_INCOMPLETE`. */
  open(ctx: Pick<Context, 'db' | 'clock'>, id: string): Promise<Incoming>;
  /** Ends an upload whose bytes are used, or of no use; false when it has ended already. */
  end(tx: Pick<TransactionContext, 'db' | 'clock'>, id: string): Promise<boolean>;
}

export interface UploadsDependencies {
  readonly storage: Storage;
  readonly limits: FileLimits;
}

export function createUploads({ storage, limits }: UploadsDependencies): {
  uploads: Uploads;
  handlers: Handlers<typeof contracts.files.uploads>;
} {
  const find = async ({ db, clock }: { db: Db; clock: Context['clock'] }, id: string): Promise<ResumableUpload> => {
    const row = await repository.findUpload(db, id, clock.now());
    const offset = row && (await offsetOf(storage, id));
    if (!row || offset === null || offset === undefined) throw new Failure('UPLOAD_NOT_FOUND', { id });
    return shown(row, offset);
  };
  return {
    uploads: {
      async open(ctx, id) {
        const { offset, length, mediaType } = await find(ctx, id);
        if (offset < length) throw new Failure('UPLOAD_INCOMPLETE', { offset, length });
        return { declared: mediaType, bytes: await storage.readUpload(id) };
      },
      end: ({ db, clock }, id) => repository.endUpload(db, id, clock.now()),
    },
    handlers: {
      async create({ input: { length, mediaType, productId }, ctx, fail }) {
        if (length > limits.imageMaxBytes) return fail('PAYLOAD_TOO_LARGE', { limit: limits.imageMaxBytes });
        const now = ctx.clock.now();
        const row = {
          id: ctx.ids.next(),
          length,
          mediaType: mediaType ?? null,
          productId: productId ?? null,
          createdAt: now,
          expiresAt: new Date(now.getTime() + uploadLifetimeMs),
        };
        await ctx.transaction(async ({ db }) => {
          if (productId !== undefined && !(await repository.productExists(db, productId)))
            fail('PRODUCT_NOT_FOUND', { id: productId });
          await repository.lockQuota(db);
          await checkQuota(db, { now, more: length, limits });
          await repository.insertUpload(db, { ...row, createdBy: ctx.principal.userId });
        });
        try {
          await storage.uploads.create(
            new Upload({ id: row.id, size: length, offset: 0, creation_date: now.toISOString() }),
          );
        } catch (cause) {
          await ctx.transaction(({ db }) => repository.endUpload(db, row.id, now));
          const full = ['ENOSPC', 'EDQUOT'].includes((cause as NodeJS.ErrnoException).code ?? '');
          throw full ? new Failure('STORAGE_FULL', null, { cause }) : cause;
        }
        return shown(row, 0);
      },
      get: ({ input: { id }, ctx }) => find(ctx, id),
      async cancel({ input: { id }, ctx, fail }) {
        if (!(await repository.endUpload(ctx.db, id, ctx.clock.now()))) fail('UPLOAD_NOT_FOUND', { id });
        return null;
      },
    },
  };
}

const shown = (row: repository.UploadRow, offset: number): ResumableUpload => ({
  ...row,
  url: `/api/v1/uploads/${row.id}`,
  offset,
});

/** How many bytes have come; null when nothing is known of the upload. The library throws objects that are no errors. */
async function offsetOf({ uploads }: Storage, id: string): Promise<number | null> {
  try {
    return (await uploads.getUpload(id)).offset;
  } catch (cause) {
    if ([404, 410].includes((cause as { status_code?: number }).status_code ?? 0)) return null;
    throw cause;
  }
}
