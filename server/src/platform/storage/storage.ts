import type { DataStore } from '@tus/server';
import type { Readable } from 'node:stream';

/** Where bytes are kept: a folder, or a bucket. */
export interface Storage {
  /** Keeps all of `bytes` under a new key: afterwards either the whole is there, or nothing. Throws `StorageFull`. */
  write(key: string, bytes: AsyncIterable<Uint8Array>): Promise<void>;
  /** Opens the bytes from `start` to `end`, both included. */
  read(key: string, range: { start: number; end: number }): Promise<Readable>;
  /** Leaves nothing under the key, not even what a process that died was writing there. */
  remove(key: string): Promise<void>;
  /** Resumable uploads. */
  readonly uploads: DataStore;
  /** Opens the bytes of a resumable upload that is whole. */
  readUpload(id: string): Promise<Readable>;
  close(): void;
}

/** A key as this process makes them; nothing that a caller sends ever names a file. */
export const isKey = (text: string): boolean =>
  /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(text);

/** The disk, or the quota on it, is full. */
export class StorageFull extends Error {
  override readonly name = 'StorageFull';
}

/** How long an upload may be resumed. */
export const uploadLifetimeMs = 24 * 60 * 60 * 1000;
/** What the tus protocol offers here; lengths are told at the beginning, since they count against quotas. */
export const uploadExtensions = ['creation', 'termination', 'expiration'];
