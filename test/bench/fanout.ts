import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { registerTenant } from '../harness.ts';
import { root, type Served } from '../processes.ts';
import { cpuSeconds, percentile, residentMb } from './measure.ts';
import { servePeer } from './peer.ts';

/** One rate of events to all subscribers. Times in milliseconds. */
export interface Rate {
  /** Events written in a second, each of which goes to every subscriber. */
  readonly written: number;
  readonly deliveredPerSecond: number;
  /** Deliveries that had not come when all was quiet. */
  readonly missing: number;
  readonly p50: number | null;
  readonly p99: number | null;
  /** Of other calls meanwhile. */
  readonly callsP99: number;
  /** Microseconds of the server's processor for each delivery, however busy the machine is. */
  readonly cpu: number;
}
export interface FanOut {
  readonly subscribers: number;
  readonly lost: number;
  readonly idleKb: number;
  readonly memoryMb: number;
  /** Of other calls while nothing is written. */
  readonly callsP99: number;
  readonly rates: readonly Rate[];
}

/** A way to write an event whose number is the moment, so that it can be told how late it comes. */
type WriteEvent = (number: number) => Promise<unknown>;

export interface Load {
  readonly count: number;
  /** Events a second, one rate after another, over the same sockets. */
  readonly rates: readonly number[];
  readonly seconds: number;
}
interface Target {
  readonly token: string;
  readonly kind: 'trpc' | 'socket.io';
  readonly write: WriteEvent;
  /** Another call, which is made all the while. */
  readonly call: () => Promise<unknown>;
}
interface Period {
  readonly events: number;
  readonly lost: number;
  readonly p50: number | null;
  readonly p99: number | null;
}

const hopelessMs = 2_000;
const quietMs = 500;
const longestWaitMs = 20_000;

/** Everybody of a tenant follows its orders over one WebSocket each, while events are written at a steady rate. */
async function measureFanOut(server: Served, { count, rates, seconds }: Load, target: Target): Promise<FanOut> {
  const before = await residentMb(server.process.pid);
  const clients = await openSubscribers(server, count, target);
  await sleep(2000);
  const idle = await residentMb(server.process.pid);
  const calls = callSteadily(target.call);
  await sleep(3000);
  const callsP99 = calls.p99();
  const measured: Rate[] = [];
  let peak = idle;
  for (const perSecond of rates) {
    await clients.period();
    calls.p99();
    const cpuBefore = await cpuSeconds(server.process.pid);
    const start = performance.now();
    let attempted = 0;
    let written = 0;
    for (let round = 0; performance.now() - start < seconds * 1000; round++) {
      const due = Math.floor(((performance.now() - start) / 1000) * perSecond) - attempted;
      const writes = Array.from({ length: Math.max(due, 0) }, () => target.write(Date.now() % 1e9));
      attempted += writes.length;
      written += (await Promise.allSettled(writes)).filter(({ status }) => status === 'fulfilled').length;
      if (round % 20 === 0) peak = Math.max(peak, await residentMb(server.process.pid));
      await sleep(5);
    }
    const took = (performance.now() - start) / 1000;
    const during = calls.p99();
    const { events, p50, p99, lastAt } = await clients.settled(written * clients.open, start);
    measured.push({
      written: written / took,
      deliveredPerSecond: events / Math.max(took, (lastAt - start) / 1000),
      missing: written * clients.open - events,
      p50,
      p99,
      callsP99: during,
      cpu: (((await cpuSeconds(server.process.pid)) - cpuBefore) * 1e6) / events,
    });
    // What is late already has more to do than it can.
    if (p99 === null || p99 > hopelessMs) break;
  }
  await calls.stop();
  const { lost } = await clients.period();
  await clients.close();
  const idleKb = ((idle - before) * 1024) / clients.open;
  return { subscribers: clients.open, lost, idleKb, memoryMb: peak, callsP99, rates: measured };
}

async function openSubscribers({ url }: Served, count: number, { token, kind }: Target) {
  const script = join(root, 'test/bench/subscribers.ts');
  const args = ['--import', 'tsx', script, url.replace('http', 'ws'), String(count), token, 'orders.updates', kind];
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const next = async <T>() => JSON.parse((await lines.next()).value as string) as T;
  const { open } = await next<{ open: number }>();
  const period = () => {
    child.stdin.write('period\n');
    return next<Period>();
  };
  return {
    open,
    period,
    /** What has come once so many have, or no more come. The share of times that are the latest is that of the longest period. */
    async settled(expected: number, start: number) {
      let events = 0;
      let lastAt = start;
      const found: Period[] = [];
      const end = performance.now() + longestWaitMs;
      for (let quiet = 0; events < expected && quiet < 4 && performance.now() < end;) {
        const now = await period();
        if (now.events > 0) {
          found.push(now);
          lastAt = performance.now();
        }
        quiet = now.events > 0 ? 0 : quiet + 1;
        events += now.events;
        if (events < expected) await sleep(quietMs);
      }
      const [first] = found;
      const worst = Math.max(...found.map(({ p99 }) => p99 ?? 0));
      return { events, p50: first?.p50 ?? null, p99: found.length ? worst : null, lastAt };
    },
    async close() {
      child.stdin.end();
      await exited;
    },
  };
}

/** Calls every 20 ms, whatever the answers take. */
function callSteadily(call: () => Promise<unknown>) {
  let times: number[] = [];
  let stopped = false;
  const underWay = new Set<Promise<void>>();
  const calling = (async () => {
    while (!stopped) {
      const start = performance.now();
      const one: Promise<void> = call()
        // One whose kept connection was just closed has told nothing.
        .then(
          () => void times.push(performance.now() - start),
          () => undefined,
        )
        .finally(() => underWay.delete(one));
      underWay.add(one);
      await sleep(20);
    }
  })();
  return {
    /** Of the calls since the last time that this was asked. */
    p99() {
      const value = percentile(
        times.sort((a, b) => a - b),
        0.99,
      );
      times = [];
      return value;
    },
    async stop() {
      stopped = true;
      await calling;
      await Promise.allSettled(underWay);
    },
  };
}

const read = async (url: string, token = ''): Promise<void> => {
  const response = await fetch(url, { headers: token ? { authorization: `Bearer ${token}` } : {} });
  await response.arrayBuffer();
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
};

/** The same by a peer that emits what it is called with: tRPC's own handler, or Socket.IO. */
export async function fanOutOfPeer(kind: Target['kind'], load: Load, env: Record<string, string> = {}) {
  const file = kind === 'trpc' ? 'trpc-emitter' : 'socket-io';
  const server = await servePeer(file, env);
  try {
    const call = () => read(`${server.url}/health`);
    return await measureFanOut(server, load, {
      token: '',
      kind,
      write: (number) => read(`${server.url}/${number}`),
      call,
    });
  } finally {
    await server.stop();
  }
}

/** Writes events to the log of a tenant, as another replica would. */
export function eventWriter(databaseUrl: string, token: string) {
  const [, claims = ''] = token.split('.');
  const { tid: tenantId } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { tid: string };
  const sql = postgres(databaseUrl, { max: 4, onnotice: () => {} });
  const write: WriteEvent = (number) => sql`
    with written as (
      insert into events (tenant_id, topic, type, version, payload, created_at)
      values (${tenantId}, 'orders', 'orders.imported', 1, ${sql.json({ type: 'orders.imported', orders: number, lines: 1 })}, now())
      returning 1)
    select pg_notify('olympus_outbox', '') from written`;
  return { write, end: () => sql.end() };
}

/** Fan-out of Olympus. */
export async function fanOutOf(server: Served, databaseUrl: string, load: Load) {
  const { accessToken: token } = await registerTenant(server.url);
  const { write, end } = eventWriter(databaseUrl, token);
  try {
    const call = () => read(`${server.url}/api/v1/products?limit=5`, token);
    return await measureFanOut(server, load, { token, kind: 'trpc', write, call });
  } finally {
    await end();
  }
}
