import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import xz from 'xz-decompress';

/** What is to be imported, decompressed. */
export interface Source {
  readonly mediaType: 'text/csv' | 'application/x-ndjson';
  /** Nothing is read before it flows. Its errors name the file. */
  readonly stream: Readable;
  /** Bytes of the file; null where they are not known beforehand. */
  readonly size: number | null;
  /** Bytes of the file that were read so far. */
  read(): number;
}

/** Tells all there is to tell of a file that ends early, or is no archive. */
export class UnreadableFile extends Error {
  override readonly name = 'UnreadableFile';
}

/** Opens a file by its name, or standard input for `-`. Throws with the file's name when it is not there. */
export async function openSource(file: string, format: 'csv' | 'ndjson' | undefined): Promise<Source> {
  const size = file === '-' ? null : await sizeOf(file);
  let count = 0;
  async function* counted(): AsyncGenerator<Buffer> {
    const bytes: AsyncIterable<Buffer> = file === '-' ? process.stdin : createReadStream(file);
    for await (const chunk of bytes) {
      count += chunk.length;
      yield chunk;
    }
  }
  const name = file.replace(/\.(gz|xz)$/, '');
  const json = format === 'ndjson' || (format === undefined && /\.(ndjson|jsonl)$/.test(name));
  return {
    mediaType: json ? 'application/x-ndjson' : 'text/csv',
    stream: Readable.from(named(file, decompressed(file, counted)), { objectMode: false }),
    size,
    read: () => count,
  };
}

async function sizeOf(file: string): Promise<number> {
  try {
    const found = await stat(file);
    if (!found.isFile()) throw new Error('is no file');
    return found.size;
  } catch (error) {
    const reason = (error as { code?: string }).code === 'ENOENT' ? 'does not exist' : (error as Error).message;
    throw new Error(`${file} cannot be imported: it ${reason}`, { cause: error });
  }
}

async function* named(file: string, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* bytes;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UnreadableFile(`${file} cannot be read (${reason})`, { cause });
  }
}

function decompressed(file: string, bytes: () => AsyncIterable<Buffer>): AsyncIterable<Uint8Array> {
  if (file.endsWith('.gz')) return unzipped(bytes());
  if (file.endsWith('.xz')) return new xz.XzReadableStream(Readable.toWeb(Readable.from(bytes())) as never) as never;
  return bytes();
}

async function* unzipped(bytes: AsyncIterable<Buffer>): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip();
  // What goes wrong on the way in comes out of the stream below.
  pipeline(bytes, gunzip).catch(() => {});
  yield* gunzip;
}
