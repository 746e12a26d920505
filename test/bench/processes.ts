import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { LoadFigures, LoadRequest } from './load.ts';

export const root = resolve(import.meta.dirname, '../..');
const run = promisify(execFile);

export interface Served {
  readonly url: string;
  readonly process: ChildProcess;
  stop(): Promise<void>;
}

/** Starts a TypeScript file and waits until a line of its output tells the port. */
export async function serve(
  file: string,
  { args = [], env = {}, port }: { args?: string[]; env?: Record<string, string>; port: RegExp },
): Promise<Served> {
  const child = spawn(process.execPath, ['--import', 'tsx', join(root, file), ...args], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const found = await new Promise<string>((done, fail) => {
    const read = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-20_000);
      const match = port.exec(output);
      if (match?.[1]) done(match[1]);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('exit', (code) => fail(new Error(`${file} ended with ${code}: ${output.slice(-2000)}`)));
  });
  return {
    url: `http://127.0.0.1:${found}`,
    process: child,
    stop: () =>
      new Promise((done) => {
        child.once('exit', () => done());
        child.kill('SIGTERM');
      }),
  };
}

export const olympus = (env: Record<string, string>): Promise<Served> =>
  serve('server/src/cli/olympus.ts', {
    args: ['start'],
    env: { HOST: '127.0.0.1', PORT: '0', LOG_LEVEL: 'warn', OLYMPUS_SEED_DEMO: 'off', ...env },
    port: /ready at http:\/\/[^:]+:(\d+)/,
  });

export async function load(request: LoadRequest): Promise<LoadFigures> {
  const { stdout } = await run(
    process.execPath,
    ['--import', 'tsx', join(root, 'test/bench/load.ts'), JSON.stringify(request)],
    { cwd: root },
  );
  return JSON.parse(stdout) as LoadFigures;
}

/** Resident memory of a process in MB, as Linux tells it; NaN elsewhere. */
export async function residentMb(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1024;
}

/** The largest resident memory while `work` runs. */
export async function peakMb<T>(pid: number | undefined, work: Promise<T>): Promise<{ value: T; peak: number }> {
  let peak = 0;
  const timer = setInterval(() => void residentMb(pid).then((mb) => (peak = Math.max(peak, mb))), 100);
  try {
    const value = await work;
    return { value, peak: Math.max(peak, await residentMb(pid)) };
  } finally {
    clearInterval(timer);
  }
}

export const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
export const percentile = (values: readonly number[], share: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.ceil(values.length * share) - 1)] ?? Number.NaN;
