import { sql } from 'drizzle-orm';
import type { Db, InTransaction } from './types.ts';

/**
 * Runs statements of a transaction that must see the tenant's orders at all locations, whoever it is for: those that keep
 * something unique in the whole tenant. What they read must not be told to the caller. After a failure nothing is set
 * back, since the transaction is over then.
 */
export async function atEveryLocation<T>(db: InTransaction<Db>, work: () => Promise<T>): Promise<T> {
  const [before] = await db.rows<{ kept: string | null }>(
    sql`select current_setting('app.location_ids', true) as kept`,
  );
  if (!before?.kept) return work();
  await db.rows(sql`select set_config('app.location_ids', '', true)`);
  const value = await work();
  await db.rows(sql`select set_config('app.location_ids', ${before.kept}, true)`);
  return value;
}
