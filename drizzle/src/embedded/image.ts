import { once } from 'node:events';
import { cpSync, existsSync } from 'node:fs';
import { chmod, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Duplex } from 'node:stream';
import { Host } from './host.ts';
import { imageCache, launch } from './launch.ts';
import type { FromWorker } from './messages.ts';

const keepMs = 7 * 86_400_000;
const silent = { info() {}, warn() {}, error() {} };

/** What a new database holds from the start. */
export interface Template {
  /** Another one for other contents; part of a file's name. */
  readonly key: string;
  /** Called with a way to an empty database. */
  readonly fill: (socket: () => Duplex) => Promise<void>;
}

/**
 * Makes `folder` a new database unless it is a database already. Making one takes seconds and much memory, so a worker
 * of its own does it, and the outcome, with the template's contents, is kept for the next folder to copy. Where nothing
 * can be kept the database is empty.
 */
export async function ensureDatabase(folder: string, template?: Template): Promise<void> {
  const mark = completionMark(folder);
  if (existsSync(mark)) return;
  await rm(folder, { recursive: true, force: true });
  // Whoever opens the database meets the fault of a template that cannot be filled again.
  await begin(folder, (template && (await findImage(template))) ?? (await findImage()));
  await chmod(folder, 0o700);
  await writeFile(mark, '');
}

/** A folder to copy from, or undefined where none can be kept. */
async function findImage(template?: Template): Promise<string | undefined> {
  const cache = imageCache(template?.key ?? 'empty');
  if (cache === undefined || existsSync(cache)) return cache;
  const aside = `${cache}.${process.pid}.${Date.now()}`;
  try {
    await begin(aside, template && (await findImage()));
    if (template) await fill(aside, template);
    await rename(aside, cache);
    await dropOld(cache);
  } catch {
    // Another process kept its own a moment earlier, nothing can be written here, or the template fails.
    await rm(aside, { recursive: true, force: true }).catch(() => {});
  }
  return existsSync(cache) ? cache : undefined;
}

/** Images of earlier versions; a recent one may be what another process copies just now. */
async function dropOld(current: string): Promise<void> {
  for (const name of await readdir(dirname(current))) {
    const path = join(dirname(current), name);
    if (Date.now() - (await stat(path)).mtimeMs > keepMs) await rm(path, { recursive: true, force: true });
  }
}

async function begin(folder: string, image: string | undefined): Promise<void> {
  if (image === undefined) await create(folder);
  // Over a thousand small files: a third of the time of `cp`, while nothing else is to be done yet.
  else cpSync(image, folder, { recursive: true });
}

async function fill(folder: string, template: Template): Promise<void> {
  const host = new Host(folder, silent);
  try {
    await host.ready;
    await template.fill(() => host.connect());
  } finally {
    await host.close();
  }
}

async function create(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const worker = launch({ task: 'create', folder });
  let problem: string | undefined;
  worker.on('message', (message: FromWorker) => {
    if (message.type === 'failed') problem = message.message;
  });
  const [code] = (await once(worker, 'exit')) as [number];
  if (problem !== undefined || code !== 0)
    throw new Error(`no database could be made in ${folder}: ${problem ?? 'its worker ended'}`);
}

/** Says that the folder holds a whole database: a crash while it was filled must not leave half of one. PostgreSQL ignores it. */
function completionMark(folder: string): string {
  return join(folder, 'olympus.complete');
}
