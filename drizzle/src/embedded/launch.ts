import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, sep } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { WorkerSettings } from './messages.ts';

// Node's types do not name it.
declare const WebAssembly: { compile(bytes: Uint8Array): Promise<unknown> };

/**
 * Threads share what is compiled of the same bytes for as long as one of them holds it. Held here, a worker that follows
 * another, as in suites, begins with all that was made fast for the other: a third of their time.
 */
let compiled: Promise<unknown> | undefined;
const compile = async () => {
  const module = createRequire(import.meta.url).resolve('@electric-sql/pglite');
  return WebAssembly.compile(await readFile(join(dirname(module), 'pglite.wasm')));
};

export function launch(workerData: WorkerSettings): Worker {
  // What is amiss with it is told by the worker.
  compiled ??= compile().catch(() => undefined);
  const file = import.meta.url.endsWith('.ts')
    ? new URL('./worker-from-source.mjs', import.meta.url)
    : new URL('./worker.js', import.meta.url);
  // Options of this process, such as a test runner's loaders, are not the worker's.
  // Its garbage is bytes on their way through: a large young generation would only keep them longer.
  const resourceLimits = { maxYoungGenerationSizeMb: 12 };
  return new Worker(file, { workerData, execArgv: [], name: 'olympus-embedded', resourceLimits });
}

/** Where a new database may be kept for the next folder: among the installed packages, named by the version that made it and its contents. */
export function imageCache(contents: string): string | undefined {
  try {
    const module = createRequire(import.meta.url).resolve('@electric-sql/pglite');
    const { version } = JSON.parse(readFileSync(join(dirname(module), '..', 'package.json'), 'utf8')) as {
      version: string;
    };
    const root = module.slice(0, module.indexOf(`${sep}node_modules${sep}`));
    return join(root, 'node_modules', '.cache', 'olympus', `embedded-${version}-${contents}`);
  } catch {
    return undefined;
  }
}
