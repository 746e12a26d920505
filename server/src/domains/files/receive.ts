import type { ImageType } from '@olympus/contracts';
import type { Db } from '@olympus/database';
import { createHash } from 'node:crypto';
import type { Context } from '../../kernel/context.ts';
import { Failure } from '../../kernel/failure.ts';
import { StorageFull, type Storage } from '../../platform/storage/storage.ts';
import { headBytes, measure, recognise, signatureBytes } from './image-check.ts';
import * as repository from './repository.ts';

export interface FileLimits {
  readonly imageMaxBytes: number;
  readonly imageMaxPixels: number;
  /** What a tenant may keep in all. */
  readonly quotaBytes: number;
}

/** Bytes on their way in, and what their sender says they are; null where it does not. */
export interface Incoming {
  readonly declared: string | null;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** An image that is stored, and goes again unless a transaction keeps it. */
export interface Received {
  readonly storageKey: string;
  readonly mediaType: ImageType;
  readonly width: number;
  readonly height: number;
  readonly bytes: number;
  readonly sha256: string;
}

/** Until when what was received must be kept; afterwards its bytes go. */
const reservedMs = 60 * 60 * 1000;
/** Clocks of replicas differ by less. */
export const marginMs = 60_000;

type Receiving = Pick<Context, 'clock' | 'ids' | 'db' | 'transaction'>;

/**
 * Checks an image while it passes by, and stores it. Of one that is refused, or breaks off, nothing stays behind. Throws
 * what `recognise` and `measure` do, `PAYLOAD_TOO_LARGE`, `STORAGE_QUOTA_EXCEEDED` and `STORAGE_FULL`.
 */
export async function receive(
  ctx: Receiving,
  incoming: Incoming,
  { storage, limits }: { storage: Storage; limits: FileLimits },
): Promise<Received> {
  const chunks = incoming.bytes[Symbol.asyncIterator]();
  try {
    await checkQuota(ctx.db, { now: ctx.clock.now(), more: 1, limits });
    const head = await headOf(chunks, incoming.declared);
    const mediaType = recognise(head, incoming.declared);
    const dimensions = measure(head.subarray(0, headBytes), limits.imageMaxPixels);
    const storageKey = ctx.ids.next();
    const dueAt = new Date(ctx.clock.now().getTime() + reservedMs);
    await ctx.transaction(({ db }) => repository.reserve(db, storageKey, dueAt));
    const sum = new Sum(limits.imageMaxBytes);
    try {
      await storage.write(storageKey, sum.of(head, chunks));
    } catch (cause) {
      await ctx.transaction(({ db }) => repository.forget(db, storageKey));
      throw cause;
    }
    return { storageKey, mediaType, ...dimensions, ...sum.total() };
  } catch (cause) {
    throw cause instanceof StorageFull ? new Failure('STORAGE_FULL', null, { cause }) : cause;
  } finally {
    await chunks.return?.();
  }
}

/** Throws `STORAGE_QUOTA_EXCEEDED` when `more` bytes are more than the tenant may keep. */
export async function checkQuota(
  db: Db,
  { now, more, limits }: { now: Date; more: number; limits: FileLimits },
): Promise<void> {
  const used = await repository.usedBytes(db, now);
  if (used + more > limits.quotaBytes) throw new Failure('STORAGE_QUOTA_EXCEEDED', { quota: limits.quotaBytes, used });
}

/** The beginning, as far as it is needed. What is no image is refused by its first bytes, whatever would follow. */
async function headOf(chunks: AsyncIterator<Uint8Array>, declared: string | null): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  let recognised = false;
  while (length < headBytes) {
    const next = await chunks.next();
    if (next.done) break;
    parts.push(next.value);
    length += next.value.length;
    if (recognised || length < signatureBytes) continue;
    recognise(Buffer.concat(parts), declared);
    recognised = true;
  }
  return Buffer.concat(parts);
}

/** Counts and hashes what passes by, up to a limit. */
class Sum {
  readonly #limit: number;
  readonly #hash = createHash('sha256');
  #bytes = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  async *of(head: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
    yield this.#take(head);
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield this.#take(next.value);
  }

  total(): { bytes: number; sha256: string } {
    return { bytes: this.#bytes, sha256: this.#hash.digest('hex') };
  }

  #take(chunk: Uint8Array): Uint8Array {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#limit) throw new Failure('PAYLOAD_TOO_LARGE', { limit: this.#limit });
    this.#hash.update(chunk);
    return chunk;
  }
}
