import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { drizzle } from 'drizzle-orm/postgres-js';
import { migrate } from 'drizzle-orm/postgres-js/migrator';
import type postgres from 'postgres';
import { createRoles, grantTables } from './roles.ts';
import type { DatabaseLog } from './types.ts';

/** Any number will do, as long as nothing else in the database locks it. */
const migrationLock = '7265109871';

/**
 * Brings roles, tables and grants up to date. `sql` is a client of one connection, logged in as the owner of the tables;
 * it is spoilt for other use, since drizzle changes how it reads dates.
 */
export async function prepareDatabase(
  sql: postgres.Sql,
  { folder, locked, log }: { folder: string; locked: boolean; log: DatabaseLog },
): Promise<void> {
  if (locked) await sql`select pg_advisory_lock(${migrationLock})`;
  try {
    await createRoles(sql);
    if (existsSync(join(folder, 'meta', '_journal.json'))) await migrate(drizzle(sql), { migrationsFolder: folder });
    else log.warn({ folder }, 'there are no migrations');
    await grantTables(sql);
  } finally {
    if (locked) await sql`select pg_advisory_unlock(${migrationLock})`.catch(() => {});
  }
}

/** Tells one set of migrations from another, whenever a byte of them changes. */
export function digestOfMigrations(folder: string): string {
  const hash = createHash('sha256');
  const files = existsSync(folder) ? readdirSync(folder, { recursive: true, withFileTypes: true }) : [];
  const paths = files.filter((file) => file.isFile()).map((file) => join(file.parentPath, file.name));
  for (const path of paths.sort()) hash.update(path.slice(folder.length)).update(readFileSync(path));
  return hash.digest('hex').slice(0, 16);
}
