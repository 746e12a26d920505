import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Session } from '../harness.ts';
import { root, type Served } from '../processes.ts';
import { load, peakMb, residentMb } from './measure.ts';

/** A thousand connections for 30 seconds: each a call a second, or without pause. */
export async function thousandConnections(server: Served, owner: Session, callsPerSecond?: number) {
  const request = {
    url: `${server.url}/api/v1/products?limit=5`,
    headers: { authorization: `Bearer ${owner.accessToken}` },
    connections: 1000,
    seconds: 30,
    ...(callsPerSecond ? { callsPerSecond } : {}),
  };
  const { value, peak } = await peakMb(server.process.pid, load(request));
  return { ...value, memoryMb: peak };
}

/** Ten thousand open WebSockets that say nothing. Memory in MB before and after. */
export async function idleSockets(server: Served, owner: Session, count = 10_000) {
  const before = await residentMb(server.process.pid);
  const url = `${server.url.replace('http', 'ws')}/ws`;
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', join(root, 'test/bench/sockets.ts'), url, String(count), owner.accessToken],
    {
      cwd: root,
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  const line = await new Promise<string>((done, fail) => {
    child.stdout.once('data', (chunk: Buffer) => done(chunk.toString()));
    child.once('exit', (code) => fail(new Error(`the sockets' process ended with ${code}`)));
  });
  await new Promise((done) => setTimeout(done, 3000));
  const after = await residentMb(server.process.pid);
  child.removeAllListeners('exit');
  const ended = new Promise((done) => child.once('exit', done));
  child.stdin.end();
  await ended;
  return { open: Number(/open (\d+)/.exec(line)?.[1] ?? 0), before, after };
}
