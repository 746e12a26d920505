import { given, jobsSchema, sql, type Database, type SystemDb } from '@olympus/database';
import type PgBoss from 'pg-boss';

/** Jobs that wait to be run, and for how many seconds the oldest of them could have been run. */
export interface QueueFigures {
  readonly queue: string;
  readonly waiting: number;
  readonly running: number;
  readonly oldestSeconds: number;
}

/** Any number will do, as long as nothing else in the database locks it. */
const lock = '3918274650';

/** pg-boss's own function, which deadlocks when replicas that start together call it at once. */
export const createQueues = (database: Database, names: readonly string[]) =>
  database.systemTransaction(async (db) => {
    await db.rows(sql`select pg_advisory_xact_lock(${lock}::bigint)`);
    for (const name of names)
      await db.rows(sql`select ${sql.raw(jobsSchema)}.create_queue(${name}, '{"policy":"standard"}'::json)`);
  });

/** Jobs of a process that is gone need not wait until their time is up. */
export const takeBack = (database: Database) =>
  database.systemDb.rows(sql`
    update ${sql.raw(jobsSchema)}.job set state = 'retry', start_after = now() where state = 'active'`);

export const figuresOf = (database: Database) =>
  database.systemDb.rows<QueueFigures>(sql`
    select q.name as queue, count(*) filter (where j.state < 'active')::int as waiting,
           count(*) filter (where j.state = 'active')::int as running,
           coalesce(extract(epoch from now() - min(j.start_after) filter (where j.state < 'active' and j.start_after < now())), 0)::float8
             as "oldestSeconds"
    from ${sql.raw(jobsSchema)}.queue q
    left join ${sql.raw(jobsSchema)}.job j on j.name = q.name and j.state <= 'active'
    group by q.name`);

/** pg-boss's statements over our connections. Its scripts have no values, and bring a transaction of their own. */
export const adapter = (database: Database): PgBoss.Db => ({
  async executeSql(text, values: unknown[] = []) {
    if (values.length > 0) return within(database.systemDb, text, values);
    return { rows: await database.system.unsafe(implicit(text)) };
  },
});

export async function within(db: SystemDb, text: string, values: readonly unknown[]): Promise<{ rows: object[] }> {
  return { rows: await db.rows(given(text, values)) };
}

/**
 * A script is one transaction by itself, which a failure ends; `begin` would leave it open and its connection spoilt. The
 * schema is there already, and the role may make none.
 */
const implicit = (text: string): string =>
  text
    .replace(/^\s*BEGIN;/, '')
    .replace(/COMMIT;\s*$/, '')
    .replace(/CREATE SCHEMA IF NOT EXISTS \w+\s*;/, '');
