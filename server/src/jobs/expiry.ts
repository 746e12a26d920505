import { sql, type Database } from '@olympus/database';
import type { Clock } from '../platform/clock.ts';

/** How long is kept what nobody needs for ever. */
export interface Retention {
  /** Days after which a stream can no longer resume from an event. */
  readonly eventDays: number;
  /** Days that a refresh token is kept after it has expired, so that its replay is still told from an invention. */
  readonly tokenDays: number;
}

export const defaultRetention: Retention = { eventDays: 7, tokenDays: 7 };

/** How many rows were deleted. */
export interface Expired {
  readonly idempotencyKeys: number;
  readonly refreshTokens: number;
  readonly events: number;
  readonly signIns: number;
}

const dayMs = 86_400_000;
/** Rows of one statement: few enough that nobody has to wait for it on the embedded database. */
const batch = 1000;

/** Deletes what has expired. Several processes may do so at once; a row that another holds is left to it. */
export async function expire(
  database: Database,
  clock: Clock,
  retention: Retention = defaultRetention,
): Promise<Expired> {
  const now = clock.now().getTime();
  const ago = (days: number) => new Date(now - days * dayMs);
  return {
    idempotencyKeys: await inBatches(() => expireKeys(database, new Date(now))),
    refreshTokens: await inBatches(() => expireTokens(database, ago(retention.tokenDays))),
    events: await inBatches(() => expireEvents(database, ago(retention.eventDays))),
    signIns: await inBatches(() => expireSignIns(database, new Date(now))),
  };
}

async function inBatches(deleteSome: () => Promise<number>): Promise<number> {
  let total = 0;
  for (;;) {
    const deleted = await deleteSome();
    total += deleted;
    if (deleted < batch) return total;
  }
}

const count = async (rows: Promise<{ count: number }[]>): Promise<number> => (await rows)[0]?.count ?? 0;

const expireKeys = ({ systemDb }: Database, before: Date) =>
  count(
    systemDb.rows(sql`
    with expired as (
      delete from idempotency_keys where (tenant_id, principal, key) in (
        select tenant_id, principal, key from idempotency_keys where expires_at <= ${before}
        order by expires_at limit ${sql.raw(String(batch))} for update skip locked)
      returning 1)
    select count(*)::int as count from expired`),
  );

const expireTokens = ({ systemDb }: Database, before: Date) =>
  count(
    systemDb.rows(sql`
    with expired as (
      delete from refresh_tokens where (tenant_id, id) in (
        select tenant_id, id from refresh_tokens where expires_at <= ${before}
        order by expires_at limit ${sql.raw(String(batch))} for update skip locked)
      returning 1)
    select count(*)::int as count from expired`),
  );

/** Deletes the beginning of each log and never its middle: readers take the first event that is kept as the end of the gap. */
const expireEvents = ({ systemDb }: Database, before: Date) =>
  count(
    systemDb.rows(sql`
    with old as (
      select tenant_id, max(position) as position from (
        select tenant_id, position from events where created_at <= ${before} and position is not null
        order by created_at limit ${sql.raw(String(batch))}) e
      group by tenant_id),
    expired as (
      delete from events e using old where e.tenant_id = old.tenant_id and e.position <= old.position
      returning 1)
    select count(*)::int as count from expired`),
  );

/** Sign-ins that nobody came back from. */
const expireSignIns = ({ systemDb }: Database, before: Date) =>
  count(
    systemDb.rows(sql`
    with expired as (
      delete from pending_sign_ins where state_hash in (
        select state_hash from pending_sign_ins where expires_at <= ${before}
        order by expires_at limit ${sql.raw(String(batch))} for update skip locked)
      returning 1)
    select count(*)::int as count from expired`),
  );
