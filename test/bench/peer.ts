import { join } from 'node:path';
import { bundle } from '../build.ts';
import { root, serve, type Served } from '../processes.ts';

/**
 * A peer, built as Olympus is when it is measured, on a port of the system's choosing. `within` is the package whose libraries
 * it takes.
 */
export async function servePeer(
  name: string,
  env: Readonly<Record<string, string>>,
  within: 'server' | 'test' = 'test',
): Promise<Served> {
  const folder = `${within}/dist/peers`;
  let done = built.get(name);
  if (!done) built.set(name, (done = bundle({ [name]: `test/bench/peers/${name}.ts` }, folder)));
  await done;
  return serve(join(root, folder, `${name}.js`), { env, port: /listening (\d+)/ });
}

const built = new Map<string, Promise<unknown>>();
