import { chmodSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Duplex } from 'node:stream';
import type { DatabaseLog } from '../types.ts';
import { Host } from './host.ts';
import { ensureDatabase, type Template } from './image.ts';
import { lockFolder } from './lock.ts';

export interface Embedded {
  socket: () => Duplex;
  /** Ends the worker after a last checkpoint, then lets other processes in. */
  close: () => Promise<void>;
}

/** Starts the embedded database on `dataDir`, which it makes, where it can from `template`. Throws `DataFolderInUse` when another process is on it. */
export async function startEmbedded(dataDir: string, log: DatabaseLog, template?: Template): Promise<Embedded> {
  const folder = resolve(dataDir);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  const lock = await lockFolder(folder);
  let host: Host | undefined;
  const close = async (): Promise<void> => {
    await host?.close();
    await lock.release();
  };
  try {
    const data = join(folder, 'data');
    await ensureDatabase(data, template);
    const started = new Host(data, log);
    host = started;
    await started.ready;
    return { socket: () => started.connect(), close };
  } catch (error) {
    await close();
    throw error;
  }
}
