import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import type { Duplex } from 'node:stream';
import { afterEach, expect, it } from 'vitest';
import { createClient } from '../client.ts';
import { makeFolder, type TestFolder } from '../testing/databases.ts';
import type { Template } from './image.ts';
import { imageCache } from './launch.ts';
import { startEmbedded } from './start.ts';

const log = { info() {}, warn() {}, error() {} };
const templates: Template[] = [];
const folders: TestFolder[] = [];
afterEach(async () => {
  for (const { key } of templates.splice(0)) await rm(imageCache(key) ?? '', { recursive: true, force: true });
  for (const folder of folders.splice(0)) folder.remove();
});

async function using<T>(socket: () => Duplex, work: (sql: ReturnType<typeof createClient>) => Promise<T>): Promise<T> {
  const sql = createClient({ url: undefined, socket, connections: 1, connectTimeoutMs: 5000, connection: {} });
  try {
    return await work(sql);
  } finally {
    await sql.end({ timeout: 1 });
  }
}

function template(fill: Template['fill']): Template {
  const made = { key: randomBytes(8).toString('hex'), fill };
  templates.push(made);
  return made;
}

/** The tables of a database that is new. */
async function tablesOf(from?: Template): Promise<string[]> {
  const folder = makeFolder();
  folders.push(folder);
  const embedded = await startEmbedded(folder.path, log, from);
  try {
    const rows = await using(
      embedded.socket,
      (sql) => sql`select tablename as name from pg_tables where schemaname = 'public'`,
    );
    return rows.map(({ name }) => String(name));
  } finally {
    await embedded.close();
  }
}

it('fills a template once, and every new database has what is in it', async () => {
  let filled = 0;
  const full = template((socket) => {
    filled++;
    return using(socket, async (sql) => {
      await sql`create table olives ()`;
    });
  });
  expect(await tablesOf(full)).toEqual(['olives']);
  expect(await tablesOf(full)).toEqual(['olives']);
  expect(filled).toBe(1);
  expect(await tablesOf()).toEqual([]);
});

it('begins empty when a template cannot be filled, and keeps nothing half filled', async () => {
  const faulty = template((socket) =>
    using(socket, async (sql) => {
      await sql`create table olives ()`;
      await sql`select * from nowhere`;
    }),
  );
  expect(await tablesOf(faulty)).toEqual([]);
  expect(await tablesOf(faulty)).toEqual([]);
});
