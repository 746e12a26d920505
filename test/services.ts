import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Where Debian keeps daemons is not on everybody's path. */
const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];

/**
 * Where a program is; null when it is not installed, so that a suite can name it and skip. Throws in CI, where every
 * program must be there.
 */
export function findProgram(name: string): string | null {
  for (const folder of folders) {
    const file = join(folder, name);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Perhaps in the next one.
    }
  }
  if (process.env['CI'] === 'true') throw new Error(`${name} is not installed: apt-get install ${name}`);
  return null;
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A process of the suite's own. */
export interface Service {
  readonly url: string;
  readonly process: ChildProcess;
  /** Kills it, and waits until it is gone. */
  kill(): Promise<void>;
}

/** A Redis of the suite's own, which it may stop (`process.kill('SIGSTOP')`) and kill; on `port` again after that. */
export async function startRedis(port?: number): Promise<Service & { readonly port: number }> {
  const at = port ?? (await freePort());
  const args = ['--port', String(at), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const service = await startProgram('redis-server', args, at);
  return { ...service, port: at, url: `redis://127.0.0.1:${at}` };
}

export interface Haproxy extends Service {
  /** For connections that stay with one backend. */
  readonly wsUrl: string;
}

/** Where haproxy calls servers from, so that it can be told from its own clients, which are on loopback as well. */
export const haproxyAddress = '127.0.0.2';

/**
 * haproxy in front of servers, in turn. It calls them from `haproxyAddress`, which they should trust. It tells them the client's address by `X-Forwarded-For`, added behind what the
 * client sent of it, and leaves a server out while its `/health/ready` does not answer 200.
 */
export async function startHaproxy(servers: readonly string[]): Promise<Haproxy> {
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), 'olympus-haproxy-'));
  const lines = servers.map((url, index) => `  server s${index} ${new URL(url).host} check inter 500ms`);
  await writeFile(
    join(folder, 'haproxy.cfg'),
    `global
  maxconn 8000
defaults
  mode http
  option forwardfor
  option redispatch
  retries 1
  timeout connect 2s
  timeout client 60s
  timeout server 60s
  timeout tunnel 1h
  timeout check 2s
frontend public
  bind 127.0.0.1:${port}
  default_backend olympus
backend olympus
  balance roundrobin
  source ${haproxyAddress}
  option httpchk GET /health/ready
${lines.join('\n')}
`,
  );
  const service = await startProgram('haproxy', ['-db', '-f', join(folder, 'haproxy.cfg')], port);
  return {
    ...service,
    wsUrl: `ws://127.0.0.1:${port}/ws`,
    kill: async () => {
      await service.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export async function startProgram(program: string, args: readonly string[], port: number): Promise<Service> {
  const file = findProgram(program);
  if (!file) throw new Error(`${program} is not installed`);
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-4000)));
  const exited = once(child, 'exit');
  for (let attempt = 0; !(await accepts(port)); attempt++) {
    if (child.exitCode !== null || attempt > 200) throw new Error(`${program} does not start: ${output}`);
    await sleep(25);
  }
  return {
    url: `http://127.0.0.1:${port}`,
    process: child,
    kill: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await exited;
    },
  };
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const answer = await Promise.race([
    once(socket, 'connect').then(() => true),
    once(socket, 'error').then(() => false),
  ]).catch(() => false);
  socket.destroy();
  return answer;
}
