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

/** The databases to prove the figures on; null stands for the embedded one. In CI PostgreSQL must be among them. */
export function databases(): [name: string, server: string | null][] {
  const server = process.env['TEST_DATABASE_URL'];
  if (server)
    return [
      ['embedded', null],
      ['PostgreSQL', server],
    ];
  const absent = 'TEST_DATABASE_URL names no PostgreSQL server';
  if (inCi) throw new Error(absent);
  process.stderr.write(`skipped on PostgreSQL: ${absent}\n`);
  return [['embedded', null]];
}
