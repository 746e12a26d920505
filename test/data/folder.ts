import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { root } from '../processes.ts';

const inCi = process.env['CI'] === 'true';

/** The folder of the real file; null, after saying so, where it is not on this machine. In CI its absence is a failure. */
export function dataFolder(): string | null {
  const folder = resolve(root, process.env['OLYMPUS_TEST_DATA'] ?? '../shared/data');
  if (existsSync(folder)) return folder;
  const absent = `the real file is not in ${folder}, which OLYMPUS_TEST_DATA may name`;
  if (inCi) throw new Error(absent);
  process.stderr.write(`skipped: ${absent}\n`);
  return null;
}

/** The PostgreSQL server to prove the figures on; null, after saying so, where none is named. In CI that is a failure. */
export function postgresServer(): string | null {
  const server = process.env['TEST_DATABASE_URL'];
  if (server) return server;
  const absent = 'TEST_DATABASE_URL names no PostgreSQL server';
  if (inCi) throw new Error(absent);
  process.stderr.write(`skipped on PostgreSQL: ${absent}\n`);
  return null;
}
