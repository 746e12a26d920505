import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import postgres from 'postgres';
import { cloneToFirstCall } from './clone.ts';
import { idleSockets, thousandConnections } from './connections.ts';
import { timeDashboard } from './dashboard.ts';
import { fanOutOf, fanOutOfPeer } from './fanout.ts';
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
};

const print = (line: string) => process.stdout.write(`${line}\n`);
const row = (name: string, ...cells: string[]) =>
  print(`${name.padEnd(60)}${cells.map((cell) => cell.padStart(16)).join('')}`);
const fixed = (value: number, digits = 1) => value.toFixed(digits);

async function onStore(name: string, env: Record<string, string>, databaseUrl: string | null): Promise<void> {
  print(`\n# ${name}`);
  const served = await olympus({ ...limits, ...env });
  try {
    await measure(served, databaseUrl);
  } finally {
    await served.stop();
  }
}

async function measure(served: Served, databaseUrl: string | null): Promise<void> {
  if (databaseUrl && wanted('fanout')) await compareFanOut(served, databaseUrl);
  if (!['import', 'dashboard', 'list', 'connections', 'sockets'].some(wanted)) return;
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

/** A tenant's events to everybody who follows them, at rates up to what is too much. */
async function compareFanOut(served: Served, databaseUrl: string): Promise<void> {
  row('events to subscribers over WebSocket', 'delivered/s', 'p50 ms', 'p99 ms', 'lost', 'KB idle', 'MB');
  for (const [count, perSecond] of [
    [1000, 20],
    [1000, 100],
    [10_000, 5],
    [10_000, 20],
  ] as const)
    for (const [name, measured] of [
      ['tRPC on an emitter', () => fanOutOfPeer({ count, perSecond, seconds: 10 })],
      ['Olympus', () => fanOutOf(served, databaseUrl, { count, perSecond, seconds: 10 })],
    ] as const) {
      const { deliveredPerSecond, p50, p99, lost, idleKb, memoryMb } = await measured();
      row(
        `  ${count} × ${perSecond}/s, ${name}`,
        fixed(deliveredPerSecond, 0),
        fixed(p50 ?? Number.NaN, 0),
        fixed(p99 ?? Number.NaN, 0),
        String(lost),
        fixed(idleKb),
        fixed(memoryMb, 0),
      );
    }
}

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
