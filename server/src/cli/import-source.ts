import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import xz from 'xz-decompress';

/** What is to be imported, decompressed. */
export interface Source {
  readonly mediaType: 'text/csv' | 'application/x-ndjson';
  readonly stream: Readable;
  /** Bytes of the file; null where they are not known beforehand. */
  readonly size: number | null;
  /** Bytes of the file that were read so far. */
  read(): number;
}

/** Opens a file by its name, or standard input for `-`. Throws with the file's name when it cannot be read. */
export async function openSource(file: string, format: 'csv' | 'ndjson' | undefined): Promise<Source> {
  const size = file === '-' ? null : await sizeOf(file);
  const bytes = file === '-' ? process.stdin : createReadStream(file);
  let count = 0;
  const counted = Readable.from(
    (async function* () {
      for await (const chunk of bytes as AsyncIterable<Buffer>) {
        count += chunk.length;
        yield chunk;
      }
    })(),
  );
  const name = file.replace(/\.(gz|xz)$/, '');
  const json = format === 'ndjson' || (format === undefined && /\.(ndjson|jsonl)$/.test(name));
  return {
    mediaType: json ? 'application/x-ndjson' : 'text/csv',
    stream: decompressed(file, counted),
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

function decompressed(file: string, bytes: Readable): Readable {
  if (file.endsWith('.gz')) return forwardFaults(bytes, bytes.pipe(createGunzip()), file);
  if (file.endsWith('.xz')) return Readable.fromWeb(new xz.XzReadableStream(Readable.toWeb(bytes) as never) as never);
  return bytes;
}

function forwardFaults(from: Readable, to: Readable, file: string): Readable {
  from.on('error', (error) => to.destroy(new Error(`${file} cannot be read`, { cause: error })));
  return to;
}
