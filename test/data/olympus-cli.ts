import { spawn } from 'node:child_process';
import { built, root } from '../processes.ts';

export interface Ran {
  readonly code: number | null;
  readonly output: string;
  readonly seconds: number;
}

/** Runs `olympus …` as a person would, in a process of its own. */
export function runCli(args: readonly string[], env: Readonly<Record<string, string>>, input = ''): Promise<Ran> {
  const start = performance.now();
  const child = spawn(process.execPath, [built('olympus'), ...args], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.end(input);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return new Promise((done, fail) => {
    child.once('error', fail);
    child.once('close', (code) => done({ code, output, seconds: (performance.now() - start) / 1000 }));
  });
}
