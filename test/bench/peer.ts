import { join } from 'node:path';
import { build } from 'esbuild';
import { root, serve, type Served } from '../processes.ts';

/**
 * A peer as it would be deployed: built, its libraries beside it, on a port of the system's choosing. Olympus is measured
 * built, and a compiler in the process costs memory and time, which would be counted against the peer alone.
 * `within` is the package whose libraries it takes.
 */
export async function servePeer(
  name: string,
  env: Readonly<Record<string, string>>,
  within: 'server' | 'test' = 'test',
): Promise<Served> {
  const file = `${within}/dist/peers/${name}.js`;
  let done = built.get(file);
  if (!done) built.set(file, (done = compile(name, file)));
  await done;
  return serve(file, { env, port: /listening (\d+)/ });
}

const built = new Map<string, Promise<unknown>>();

const compile = (name: string, file: string) =>
  build({
    entryPoints: [join(root, `test/bench/peers/${name}.ts`)],
    outfile: join(root, file),
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'warning',
    plugins: [
      {
        name: 'libraries',
        setup: (bundler) =>
          bundler.onResolve({ filter: /^[^./]/ }, ({ path }) =>
            path.startsWith('@olympus/') ? undefined : { path, external: true },
          ),
      },
    ],
  });
