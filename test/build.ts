import { build } from 'esbuild';
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { programs, root } from './processes.ts';

/**
 * Builds what the suites and benchmarks run in processes of their own. A process starts in half the time that it takes from
 * the sources, and has no compiler in it, which costs memory and gives every function a name of 256 bytes.
 */
export default async function buildPrograms(): Promise<void> {
  await rm(join(root, 'server/dist/tested'), { recursive: true, force: true });
  await bundle({ ...programs, worker: 'drizzle/src/embedded/worker.ts' }, 'server/dist/tested');
  await cp(join(root, 'drizzle/migrations'), join(root, 'server/dist/migrations'), { recursive: true });
}

/** The workspace's own packages are built in; libraries are those of the package that the folder lies in. */
export const bundle = (files: Readonly<Record<string, string>>, folder: string) =>
  build({
    absWorkingDir: root,
    entryPoints: files,
    outdir: folder,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'warning',
    plugins: [
      {
        name: 'libraries',
        setup: (bundler) =>
          bundler.onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
            kind === 'entry-point' || path.startsWith('@olympus/') ? undefined : { path, external: true },
          ),
      },
    ],
  });
