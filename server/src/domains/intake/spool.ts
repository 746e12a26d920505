import { randomUUID } from 'node:crypto';
import { open, unlink, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Failure } from '../../kernel/failure.ts';

/** A strict import is read twice; more than this is not put aside for it. */
const maxBytes = 4 * 1024 ** 3;

/** Bytes put aside on disk while they pass by. The file has no name any more, so nothing stays behind after a kill. */
export interface Spool {
  /** The bytes, each written aside before it is handed on. */
  through(bytes: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
  readonly again: () => AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

export async function openSpool(): Promise<Spool> {
  const path = join(tmpdir(), `olympus-import-${randomUUID()}`);
  const file = await open(path, 'wx+', 0o600);
  await unlink(path);
  return {
    through: (bytes) => written(file, bytes),
    again: () => file.createReadStream({ start: 0, autoClose: false }),
    close: () => file.close(),
  };
}

async function* written(file: FileHandle, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.length;
    if (size > maxBytes) throw new Failure('PAYLOAD_TOO_LARGE', { limit: maxBytes });
    await file.write(chunk);
    yield chunk;
  }
}
