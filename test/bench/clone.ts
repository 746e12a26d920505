import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from '../processes.ts';

/** Seconds from `git clone` to the first answered call, installation included. */
export async function cloneToFirstCall(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'olympus-clone-'));
  const start = performance.now();
  await promisify(execFile)('git', ['clone', '--quiet', root, folder]);
  const child = spawn('npx', ['--yes', 'pnpm', 'start'], {
    cwd: folder,
    env: { ...process.env, PORT: '4517', HOST: '127.0.0.1', LOG_LEVEL: 'error' },
    stdio: 'ignore',
    detached: true,
  });
  try {
    for (;;) {
      const answer = await fetch('http://127.0.0.1:4517/health/ready').catch(() => null);
      if (answer?.ok) return (performance.now() - start) / 1000;
      if (child.exitCode !== null) throw new Error(`the clone's server ended with ${child.exitCode}`);
      await new Promise((done) => setTimeout(done, 100));
    }
  } finally {
    // The whole group: npx, pnpm and the server.
    if (child.pid && child.exitCode === null) {
      const exited = new Promise((done) => child.once('exit', done));
      process.kill(-child.pid, 'SIGTERM');
      await exited;
    }
    await rm(folder, { recursive: true, force: true });
  }
}
