import { FileStore } from '@tus/file-store';
import { ERRORS } from '@tus/server';
import { constants } from 'node:fs';
import { mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { isKey, StorageFull, uploadExtensions, uploadLifetimeMs, type Storage } from './storage.ts';

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants;
const noRoom = ['ENOSPC', 'EDQUOT'];

/** Opens a file for writing; replaced by tests of full disks. */
export type OpenFile = (path: string, flags: number) => Promise<Pick<FileHandle, 'write' | 'sync' | 'close'>>;
const openFile: OpenFile = (path, flags) => open(path, flags, 0o600);

/** Keeps bytes in a folder that only this user can read. No symbolic link in it is followed. */
export async function openDisk(folder: string, openForWriting: OpenFile = openFile): Promise<Storage> {
  const [incoming, kept, resumable] = ['incoming', 'kept', 'uploads'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  for (const path of [incoming, kept, resumable]) await mkdir(path, { recursive: true, mode: 0o700 });
  const uploads = new DiskUploads(resumable, openForWriting);
  const temporary = (key: string) => join(incoming, named(key));
  // The end of an id is random, its beginning the time.
  const shelf = (key: string) => join(kept, named(key).slice(-2));
  const place = (key: string) => join(shelf(key), key);

  return {
    uploads,
    async write(key, bytes) {
      const path = temporary(key);
      try {
        const file = await openForWriting(path, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW);
        try {
          for await (const chunk of bytes) await writeAll(file, chunk, null);
          await file.sync();
        } finally {
          await file.close();
        }
        await mkdir(shelf(key), { recursive: true, mode: 0o700 });
        await rename(path, place(key));
        await syncFolder(shelf(key));
      } catch (cause) {
        await rm(path, { force: true });
        throw fullOr(cause);
      }
    },
    async read(key, { start, end }) {
      const file = await open(place(key), O_RDONLY | O_NOFOLLOW);
      return file.createReadStream({ start, end });
    },
    async remove(key) {
      await rm(temporary(key), { force: true });
      await rm(place(key), { force: true });
    },
    async readUpload(id) {
      const file = await open(join(resumable, named(id)), O_RDONLY | O_NOFOLLOW);
      return file.createReadStream();
    },
    close: () => undefined,
  };
}

function named(key: string): string {
  if (!isKey(key)) throw new Error('not a key of this storage');
  return key;
}

type Writable = Pick<FileHandle, 'write'>;

/** The system may write less than it is given. */
async function writeAll(file: Writable, chunk: Uint8Array, position: number | null): Promise<void> {
  for (let at = 0; at < chunk.length;) {
    const { bytesWritten } = await file.write(chunk, at, chunk.length - at, position === null ? null : position + at);
    at += bytesWritten;
  }
}

/** A renamed file is safe from a power cut once its folder is. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, O_RDONLY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

const fullOr = (cause: unknown): unknown =>
  noRoom.includes((cause as NodeJS.ErrnoException).code ?? '') ? new StorageFull('no room', { cause }) : cause;

/** The parts of uploads as files, each with its description beside it. */
class DiskUploads extends FileStore {
  readonly #open: OpenFile;

  constructor(directory: string, openForWriting: OpenFile) {
    super({ directory, expirationPeriodInMilliseconds: uploadLifetimeMs });
    this.extensions = uploadExtensions;
    this.#open = openForWriting;
  }

  /** Unlike the library's, it follows no link, and tells a full disk from other faults. */
  override async write(bytes: Readable, id: string, offset: number): Promise<number> {
    const file = await this.#open(join(this.directory, named(id)), O_WRONLY | O_NOFOLLOW);
    let end = offset;
    try {
      for await (const chunk of bytes as AsyncIterable<Uint8Array>) {
        await writeAll(file, chunk, end);
        end += chunk.length;
      }
      await file.sync();
      return end;
    } catch (cause) {
      if (fullOr(cause) instanceof StorageFull) throw { status_code: 507, body: 'There is no room to store it\n' };
      throw ERRORS.FILE_WRITE_ERROR;
    } finally {
      await file.close();
    }
  }
}
