import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { rest } from '../harness.ts';

/** Other calls of the same tenant, one after another, until stopped; resolves to their latencies in milliseconds, sorted. */
export function startTraffic(url: string, token: string): { stop(): Promise<number[]> } {
  const paths = ['/orders?limit=20', '/auth/me', '/products?limit=20', '/orders?kind=return&limit=20'];
  const latencies: number[] = [];
  let stopped = false;
  const running = (async () => {
    for (let turn = 0; !stopped; turn++) {
      const start = performance.now();
      const { status } = await rest(url, { path: paths[turn % paths.length] ?? '', token });
      latencies.push(performance.now() - start);
      if (status !== 200) throw new Error(`${paths[turn % paths.length]} answered ${status}`);
      await sleep(10);
    }
  })();
  running.catch(() => {});
  return {
    async stop() {
      stopped = true;
      await running;
      return latencies.sort((a, b) => a - b);
    },
  };
}

export const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

/** The most memory that a process ever had, in MB; null where the system does not tell. */
export async function peakMemory(pid: number): Promise<number | null> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const peak = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
  return peak === undefined ? null : Number(peak) / 1024;
}
