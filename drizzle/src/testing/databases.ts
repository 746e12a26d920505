import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { openDatabase, type Database, type DatabaseOptions } from '../index.ts';

export const serverUrl = process.env['TEST_DATABASE_URL'];

export const tenantA = '01890000-0000-7000-8000-00000000000a';
export const tenantB = '01890000-0000-7000-8000-00000000000b';

const policy = "tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid";

/** Two tables under row-level security, one of them reachable across tenants for the system role. */
const migration = [
  'create table notes (id bigint generated always as identity primary key, tenant_id uuid not null, body text not null, amount numeric(20,4) not null default 0, at timestamptz not null default now())',
  'create index notes_tenant_amount on notes (tenant_id, amount, id)',
  'alter table notes enable row level security',
  'alter table notes force row level security',
  `create policy tenants on notes to olympus_app using (${policy}) with check (${policy})`,
  'create policy everything on notes to olympus_system using (true) with check (true)',
  'create table tags (tenant_id uuid not null, note_id bigint not null references notes (id), tag text not null, primary key (tenant_id, note_id, tag))',
  'alter table tags enable row level security',
  'alter table tags force row level security',
  `create policy tenants on tags to olympus_app using (${policy}) with check (${policy})`,
  'create table counters (id int primary key, value bigint not null)',
  'create table entries (id uuid primary key)',
];

export interface TestFolder {
  path: string;
  migrations: string;
  remove(): void;
}

export function makeFolder(): TestFolder {
  const path = mkdtempSync(join(tmpdir(), 'olympus-test-'));
  chmodSync(path, 0o700);
  const migrations = join(path, 'migrations');
  mkdirSync(join(migrations, 'meta'), { recursive: true });
  writeFileSync(join(migrations, '0000_start.sql'), migration.join(';\n--> statement-breakpoint\n'));
  const entries = [{ idx: 0, version: '7', when: 1_700_000_000_000, tag: '0000_start', breakpoints: true }];
  writeFileSync(
    join(migrations, 'meta', '_journal.json'),
    JSON.stringify({ version: '7', dialect: 'postgresql', entries }),
  );
  return { path, migrations, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export interface TestDatabase {
  db: Database;
  options: DatabaseOptions;
  remove(): Promise<void>;
}

export async function openEmbedded(more: DatabaseOptions = {}): Promise<TestDatabase> {
  const folder = makeFolder();
  const options = { dataDir: join(folder.path, 'db'), migrationsFolder: folder.migrations, ...more };
  const db = await openDatabase(options);
  return {
    db,
    options,
    async remove() {
      await db.close();
      folder.remove();
    },
  };
}

/** A database of its own on the server of TEST_DATABASE_URL. */
export async function createServerDatabase(): Promise<{ url: string; drop(): Promise<void> }> {
  if (serverUrl === undefined) throw new Error('TEST_DATABASE_URL is not set');
  const name = `olympus_test_${randomBytes(6).toString('hex')}`;
  const run = async (statement: string): Promise<void> => {
    const admin = postgres(serverUrl, { max: 1, onnotice: () => {} });
    await admin.unsafe(statement);
    await admin.end();
  };
  await run(`create database ${name}`);
  const url = new URL(serverUrl);
  url.pathname = name;
  return { url: url.href, drop: () => run(`drop database if exists ${name} with (force)`) };
}

export async function openServer(more: DatabaseOptions = {}): Promise<TestDatabase> {
  const folder = makeFolder();
  const server = await createServerDatabase();
  const options = { url: server.url, migrationsFolder: folder.migrations, ...more };
  const db = await openDatabase(options);
  return {
    db,
    options,
    async remove() {
      await db.close();
      await server.drop();
      folder.remove();
    },
  };
}

/** Both kinds of database, or the embedded one alone where no server is given. */
export const kinds: [name: string, open: (more?: DatabaseOptions) => Promise<TestDatabase>][] = [
  ['embedded', openEmbedded],
  ...(serverUrl === undefined ? [] : ([['postgres', openServer]] as [string, typeof openServer][])),
];
