import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PGlite } from '@electric-sql/pglite';

/** An initialised, empty database as a tar file. Making one takes seconds, so `cache` keeps it where that is allowed. */
export async function loadImage(cache: string | undefined): Promise<Blob> {
  if (cache !== undefined) {
    const kept = await readFile(cache).catch(() => undefined);
    if (kept) return new Blob([kept]);
  }
  const db = await PGlite.create();
  const image = await db.dumpDataDir('none');
  await db.close();
  if (cache !== undefined) await keep(cache, image).catch(() => {});
  return image;
}

/** Written aside and renamed, so that nobody reads half of it. */
async function keep(cache: string, image: Blob): Promise<void> {
  await mkdir(dirname(cache), { recursive: true });
  const aside = `${cache}.${process.pid}`;
  await writeFile(aside, Buffer.from(await image.arrayBuffer()));
  await rename(aside, cache);
}
