import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from '../processes.ts';
import type { LoadFigures, LoadRequest } from './load.ts';

const run = promisify(execFile);

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

/** Seconds of processor time that a process has taken, as Linux tells it in hundredths; NaN elsewhere. */
export async function cpuSeconds(pid: number | undefined): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13);
  return (Number(user ?? Number.NaN) + Number(system ?? Number.NaN)) / 100;
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
