import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { registerTenant } from '../harness.ts';
import { root, serve, type Served } from '../processes.ts';
import { residentMb } from './measure.ts';

export interface FanOut {
  readonly subscribers: number;
  readonly lost: number;
  /** Events written in a second, each of which goes to every subscriber. */
  readonly written: number;
  readonly deliveredPerSecond: number;
  readonly p50: number | null;
  readonly p99: number | null;
  readonly idleKb: number;
  readonly memoryMb: number;
}

/** A way to write an event whose number is the moment, so that it can be told how late it comes. */
export type WriteEvent = (number: number) => Promise<unknown>;

interface Load {
  readonly count: number;
  readonly perSecond: number;
  readonly seconds: number;
}

interface Period {
  readonly events: number;
  readonly lost: number;
  readonly p50: number | null;
  readonly p99: number | null;
}

/** Everybody of a tenant follows its orders over one WebSocket each, while events are written at a steady rate. */
export async function measureFanOut(
  server: Served,
  about: Load & { token: string; path: string; write: WriteEvent },
): Promise<FanOut> {
  const { token, path, count, perSecond, seconds, write } = about;
  const before = await residentMb(server.process.pid);
  const address = `${server.url.replace('http', 'ws')}/ws`;
  const script = join(root, 'test/bench/subscribers.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', script, address, String(count), token, path], {
    cwd: root,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const next = async <T>() => JSON.parse((await lines.next()).value as string) as T;
  const { open } = await next<{ open: number }>();
  await sleep(1000);
  const idle = await residentMb(server.process.pid);
  const start = performance.now();
  let written = 0;
  let peak = 0;
  for (let round = 0; performance.now() - start < seconds * 1000; round++) {
    const due = Math.floor(((performance.now() - start) / 1000) * perSecond) - written;
    await Promise.all(Array.from({ length: Math.max(due, 0) }, () => write(Date.now() % 1e9)));
    written += Math.max(due, 0);
    if (round % 20 === 0) peak = Math.max(peak, await residentMb(server.process.pid));
    await sleep(5);
  }
  child.stdin.write('period\n');
  const { events, lost, p50, p99 } = await next<Period>();
  const took = (performance.now() - start) / 1000;
  child.stdin.end();
  await exited;
  return {
    subscribers: open,
    lost,
    written: written / took,
    deliveredPerSecond: events / took,
    p50,
    p99,
    idleKb: ((idle - before) * 1024) / open,
    memoryMb: peak,
  };
}

/** The same by tRPC's own handler, from an emitter in its process. */
export async function fanOutOfPeer(load: Load) {
  const server = await serve('test/bench/peers/trpc-emitter.ts', { port: /listening (\d+)/ });
  try {
    const write: WriteEvent = (number) => fetch(`${server.url}/${number}`).then((response) => response.text());
    return await measureFanOut(server, { ...load, token: '', path: 'orders.updates', write });
  } finally {
    await server.stop();
  }
}

/** Fan-out of Olympus: events are committed to the log by another process, as by another replica. */
export async function fanOutOf(server: Served, databaseUrl: string, load: Load) {
  const { accessToken: token } = await registerTenant(server.url);
  const [, claims = ''] = token.split('.');
  const { tid: tenantId } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { tid: string };
  const sql = postgres(databaseUrl, { max: 4, onnotice: () => {} });
  const write: WriteEvent = (number) => sql`
    with written as (
      insert into events (tenant_id, topic, type, version, payload, created_at)
      values (${tenantId}, 'orders', 'orders.imported', 1, ${sql.json({ type: 'orders.imported', orders: number, lines: 1 })}, now())
      returning 1)
    select pg_notify('olympus_outbox', '') from written`;
  try {
    return await measureFanOut(server, { ...load, token, path: 'orders.updates', write });
  } finally {
    await sql.end();
  }
}
