import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';

/** Where Debian keeps each version's programs. */
const versions = '/usr/lib/postgresql';

/** The folder of the newest version's programs; null where there are none, which in CI throws. */
export function findPostgres(): string | null {
  const found = existsSync(versions) ? readdirSync(versions) : [];
  const newest = found
    .map(Number)
    .filter(Number.isFinite)
    .sort((a, b) => b - a)[0];
  if (newest !== undefined) return join(versions, String(newest), 'bin');
  if (process.env['CI'] === 'true') throw new Error('PostgreSQL is not installed: apt-get install postgresql');
  return null;
}

/** A PostgreSQL of the suite's own, which it may restart. */
export interface PostgresServer {
  readonly url: string;
  /** Ends it as a crash of its machine would, and starts it again after `downMs`. */
  crash(downMs: number): Promise<void>;
  close(): Promise<void>;
}

export async function startPostgres(programs: string, port: number): Promise<PostgresServer> {
  const folder = await mkdtemp(join(tmpdir(), 'olympus-postgres-'));
  const user = ownUser();
  if (user) await chown(folder, user.uid, user.gid);
  const data = join(folder, 'data');
  execFileSync(join(programs, 'initdb'), ['-D', data, '-U', 'olympus', '-A', 'trust', '--no-sync'], {
    ...user,
    stdio: 'ignore',
  });
  const url = `postgres://olympus@127.0.0.1:${port}/postgres`;
  let child: ChildProcess;
  const start = async (): Promise<void> => {
    const settings = ['listen_addresses=127.0.0.1', `port=${port}`, `unix_socket_directories=${folder}`];
    const args = ['-D', data, ...settings.flatMap((setting) => ['-c', setting])];
    child = spawn(join(programs, 'postgres'), args, { ...user, stdio: 'ignore' });
    for (let attempt = 0; !(await answers(url)); attempt++) {
      if (child.exitCode !== null || attempt > 400) throw new Error('PostgreSQL does not start');
      await sleep(25);
    }
  };
  const end = async (): Promise<void> => {
    const exited = once(child, 'exit');
    child.kill('SIGQUIT');
    await exited;
  };
  await start();
  return {
    url,
    async crash(downMs) {
      await end();
      await sleep(downMs);
      await start();
    },
    async close() {
      await end();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** PostgreSQL refuses to run as root. */
function ownUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (option: string) => Number(execFileSync('id', [option, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

async function answers(url: string): Promise<boolean> {
  const sql = postgres(url, { max: 1, connect_timeout: 2, onnotice: () => {} });
  try {
    await sql`select 1`;
    return true;
  } catch {
    return false;
  } finally {
    await sql.end({ timeout: 1 }).catch(() => {});
  }
}
