import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Session } from '../harness.ts';
import { registerTenant, rest } from '../harness.ts';
import { root, type Served } from '../processes.ts';
import { peakMb, percentile } from './measure.ts';

/** Seconds for the whole file by the command-line tool, the server's memory, and how other calls fare meanwhile. */
export async function importFile(
  server: Served,
  file: string,
): Promise<{ owner: Session; seconds: number; peakMb: number; p99: number; calls: number }> {
  const email = `bench-${Date.now()}@shop.test`;
  const password = 'correct horse battery';
  const owner = await registerTenant(server.url, { email, password });
  const token = owner.accessToken;

  let running = true;
  const times: number[] = [];
  const others = (async () => {
    while (running) {
      const start = performance.now();
      await rest(server.url, { path: '/products?limit=20', token });
      times.push(performance.now() - start);
      await new Promise((done) => setTimeout(done, 20));
    }
  })();

  const start = performance.now();
  const { peak } = await peakMb(
    server.process.pid,
    new Promise<void>((done, fail) => {
      const args = [
        'import',
        'orders',
        file,
        '--preset',
        'online-retail',
        '--url',
        server.url,
        '--email',
        email,
        '--password',
        password,
      ];
      const child = spawn(process.execPath, ['--import', 'tsx', join(root, 'server/src/cli/olympus.ts'), ...args], {
        cwd: root,
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      child.once('exit', (code) => (code === 0 ? done() : fail(new Error(`the import ended with ${code}`))));
    }),
  );
  const seconds = (performance.now() - start) / 1000;
  running = false;
  await others;
  return { owner, seconds, peakMb: peak, p99: percentile(times, 0.99), calls: times.length };
}
