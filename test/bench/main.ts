import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import postgres from 'postgres';
import buildPrograms from '../build.ts';
import { cloneToFirstCall } from './clone.ts';
import { idleSockets, thousandConnections } from './connections.ts';
import { timeDashboard } from './dashboard.ts';
import { fanOutOf, fanOutOfPeer } from './fanout.ts';
import { gapsOfEmitter, gapsOfOlympus, gapsOfSocketIo } from './kills.ts';
import { importFile } from './import.ts';
import { compareLists } from './list.ts';
import { comparePolicies } from './policies.ts';
import { largeUploads, uploadForm } from './upload.ts';
import { olympus, root, type Served } from '../processes.ts';

/**
 * Everything in one run, on this machine: `pnpm bench [import] [dashboard] [list] [policies] [connections] [sockets] [fanout] [upload] [clone]`.
 * PostgreSQL from TEST_DATABASE_URL, by default the one at 127.0.0.1; the real file from OLYMPUS_TEST_DATA.
 */
const only = new Set(process.argv.slice(2));
const wanted = (part: string) => only.size === 0 || only.has(part);
const server = process.env['TEST_DATABASE_URL'] ?? 'postgres://root@127.0.0.1:5432/postgres';
const data = resolve(root, process.env['OLYMPUS_TEST_DATA'] ?? '../shared/data');
const file = ['online-retail-dataset.csv.xz', 'online-retail-sample.csv']
  .map((name) => join(data, name))
  .find(existsSync);
// Wide limits: the limiter counts every call as always, and refuses none of them.
const limits = {
  RATE_LIMITS:
    'read=10000000/1,write=10000000/1,signIn=1000/60,stream=1000000/60,address=100000000/1,tenant=100000000/1',
  OLYMPUS_MAX_STREAMS_PER_USER: '1000000',
};

const print = (line: string) => process.stdout.write(`${line}\n`);
const row = (name: string, ...cells: string[]) =>
  print(`${name.padEnd(60)}${cells.map((cell) => cell.padStart(16)).join('')}`);
const fixed = (value: number, digits = 1) => value.toFixed(digits);

async function onStore(name: string, env: Record<string, string>, databaseUrl: string | null): Promise<void> {
  print(`\n# ${name}`);
  const served = await olympus({ ...limits, ...env });
  try {
    await measure(served, env, databaseUrl);
  } finally {
    await served.stop();
  }
}

async function measure(served: Served, env: Record<string, string>, databaseUrl: string | null): Promise<void> {
  if (databaseUrl && wanted('fanout')) await compareFanOut(served, env, databaseUrl);
  if (!['import', 'dashboard', 'list', 'policies', 'connections', 'sockets'].some(wanted)) return;
  if (!file) {
    print('no data to import: set OLYMPUS_TEST_DATA');
    return;
  }
  const imported = await importFile(served, file);
  row(
    'import',
    `${fixed(imported.seconds)} s`,
    `peak ${fixed(imported.peakMb, 0)} MB`,
    `p99 ${fixed(imported.p99)} ms`,
    `${imported.calls} other calls`,
  );
  if (wanted('dashboard')) {
    const { warm, cold } = await timeDashboard(served, imported.owner);
    row('dashboard, whole file', `warm p99 ${fixed(warm)} ms`, `cold p99 ${fixed(cold)} ms`);
  }
  if (!databaseUrl) return;
  if (wanted('list')) {
    row('list of 20 orders, 64 connections', 'calls/s', 'ratio', 'p99 ms', 'errors', 'MB');
    for (const { name, perSecond, ratio, p99, errors, memoryMb } of await compareLists({
      databaseUrl,
      olympus: served,
      owner: imported.owner,
    }))
      row(`  ${name}`, fixed(perSecond, 0), fixed(ratio, 2), fixed(p99, 0), String(errors), fixed(memoryMb, 0));
  }
  if (wanted('policies')) {
    row('policies, 64 connections', 'calls/s', 'ratio', 'p99 ms', 'CPU us/call', 'errors');
    const { owner } = imported;
    for (const { call, name, perSecond, ratio, p99, cpu, errors } of await comparePolicies({
      databaseUrl,
      owner,
      limits,
    }))
      row(`  ${call}: ${name}`, fixed(perSecond, 0), fixed(ratio, 2), fixed(p99, 0), fixed(cpu, 0), String(errors));
  }
  if (wanted('connections')) {
    for (const [name, rate] of [
      ['a call a second each', 1000],
      ['without pause', undefined],
    ] as const) {
      const { perSecond, p99, errors, failures, memoryMb } = await thousandConnections(served, imported.owner, rate);
      row(
        `1,000 connections, 30 s, ${name}`,
        `${fixed(perSecond, 0)} calls/s`,
        `p99 ${fixed(p99, 0)} ms`,
        `${errors + failures} errors`,
        `peak ${fixed(memoryMb, 0)} MB`,
      );
    }
  }
  if (wanted('sockets')) {
    const { open, before, after } = await idleSockets(served, imported.owner);
    row(
      'idle WebSockets',
      String(open),
      `${fixed(before, 0)} MB before`,
      `${fixed(after, 0)} MB after`,
      `${fixed(((after - before) * 1024) / open)} KB each`,
    );
  }
}

const milliseconds = (value: number | null) => (value === null ? '-' : fixed(value, 0));

/** A tenant's events to everybody who follows them, at rates up to what is too much, and what ten kills leave out. */
async function compareFanOut(served: Served, env: Record<string, string>, databaseUrl: string): Promise<void> {
  const redis = { PEER_REDIS_URL: process.env['TEST_REDIS_URL'] ?? 'redis://127.0.0.1:6379' };
  const stream = () => ({ ...redis, PEER_STREAM: `bench:${randomBytes(4).toString('hex')}` });
  const load = { count: 10_000, rates: [5, 20, 50, 100], seconds: 10 };
  for (const [name, measured] of [
    ['Olympus', () => fanOutOf(served, databaseUrl, load)],
    ['Socket.IO, Redis streams', () => fanOutOfPeer('socket.io', load, stream())],
    ['tRPC on an emitter', () => fanOutOfPeer('trpc', load)],
  ] as const) {
    const { subscribers, lost, idleKb, memoryMb, callsP99, rates } = await measured();
    row(
      `${subscribers} subscribers over WebSocket, ${name}`,
      `${fixed(idleKb)} KB idle`,
      `peak ${fixed(memoryMb, 0)} MB`,
      `${lost} lost`,
      `calls ${fixed(callsP99)} ms`,
    );
    row('  events', 'delivered/s', 'p50 ms', 'p99 ms', 'missing', 'calls p99 ms', 'CPU us');
    for (const each of rates)
      row(
        `  ${fixed(each.written, 0)}/s`,
        fixed(each.deliveredPerSecond, 0),
        milliseconds(each.p50),
        milliseconds(each.p99),
        String(each.missing),
        fixed(each.callsP99),
        fixed(each.cpu),
      );
  }
  row('ten kills while events are written', 'written', 'clients', 'missed', 'twice');
  for (const [name, measured] of [
    ['Olympus', () => gapsOfOlympus({ ...limits, ...env }, databaseUrl)],
    ['Socket.IO, Redis streams and state recovery', () => gapsOfSocketIo(stream())],
    ['tRPC on an emitter', () => gapsOfEmitter()],
  ] as const) {
    const { written, clients, missed, twice } = await measured();
    row(`  ${name}`, ...[written, clients, missed, twice].map(String));
  }
}

await buildPrograms();
print(`Node ${process.version}, ${new Date().toISOString()}`);
if (['import', 'dashboard', 'list', 'policies', 'connections', 'sockets', 'fanout'].some(wanted)) {
  const database = `olympus_bench_${randomBytes(4).toString('hex')}`;
  const admin = postgres(server, { max: 1, onnotice: () => {} });
  await admin.unsafe(`create database ${database}`);
  const url = new URL(server);
  url.pathname = `/${database}`;
  try {
    await onStore('PostgreSQL, one server process', { DATABASE_URL: url.href }, url.href);
  } finally {
    await admin.unsafe(`drop database if exists ${database} with (force)`);
    await admin.end();
  }
}
if (['import', 'dashboard'].some(wanted)) {
  const folder = await mkdtemp(join(tmpdir(), 'olympus-bench-'));
  await onStore('embedded database', { OLYMPUS_DATA_DIR: folder }, null);
  await rm(folder, { recursive: true, force: true });
}
if (wanted('upload')) {
  const folder = await mkdtemp(join(tmpdir(), 'olympus-bench-'));
  const served = await olympus({ ...limits, ...largeUploads, OLYMPUS_DATA_DIR: folder });
  const { status, seconds, before, peak } = await uploadForm(served, 2000);
  row(
    'a form of 2 GB',
    `answer ${status}`,
    `${fixed(seconds)} s`,
    `${fixed(before, 0)} MB before`,
    `peak ${fixed(peak, 0)} MB`,
  );
  await served.stop();
  await rm(folder, { recursive: true, force: true });
}
if (wanted('clone')) row('\nfrom clone to first answered call', `${fixed(await cloneToFirstCall())} s`);
