import { sql, type Database } from '@olympus/database';
import type { Clock } from '../platform/clock.ts';

/** How long is kept what nobody needs for ever. */
export interface Retention {
  /** Days after which a stream can no longer resume from an event. */
  readonly eventDays: number;
  /** Days that a session and its refresh tokens are kept after they have expired, so that a replay is still told from an invention. */
  readonly tokenDays: number;
}

export const defaultRetention: Retention = { eventDays: 7, tokenDays: 7 };

/** How many rows were deleted. */
export interface Expired {
  readonly idempotencyKeys: number;
  readonly refreshTokens: number;
  readonly sessions: number;
  readonly mailTokens: number;
  readonly signInFailures: number;
  readonly events: number;
  readonly accessChanges: number;
  readonly signIns: number;
  readonly consumedEvents: number;
  readonly replays: number;
  readonly webhookDeliveries: number;
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
  const sweep = (table: string, key: string, before: Date) =>
    inBatches(() => expireRows(database, { table, key, before }));
  return {
    idempotencyKeys: await sweep('idempotency_keys', 'tenant_id, principal, key', new Date(now)),
    refreshTokens: await sweep('refresh_tokens', 'tenant_id, id', ago(retention.tokenDays)),
    sessions: await sweep('sessions', 'tenant_id, id', ago(retention.tokenDays)),
    mailTokens: await sweep('mail_tokens', 'tenant_id, id', new Date(now)),
    signInFailures: await sweep('sign_in_failures', 'key', new Date(now)),
    events: await inBatches(() => expireEvents(database, ago(retention.eventDays))),
    accessChanges: await inBatches(() => expireAccessChanges(database)),
    signIns: await inBatches(() => expireSignIns(database, new Date(now))),
    consumedEvents: await sweep('consumed_events', 'tenant_id, consumer, delivery', new Date(now)),
    webhookDeliveries: await sweep('webhook_deliveries', 'tenant_id, id', new Date(now)),
    replays: await inBatches(() => expireReplays(database, ago(retention.eventDays))),
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

const expireRows = ({ systemDb }: Database, { table, key, before }: { table: string; key: string; before: Date }) =>
  count(
    systemDb.rows(sql`
    with expired as (
      delete from ${sql.raw(table)} where (${sql.raw(key)}) in (
        select ${sql.raw(key)} from ${sql.raw(table)} where expires_at <= ${before}
        order by expires_at limit ${sql.raw(String(batch))} for update skip locked)
      returning 1)
    select count(*)::int as count from expired`),
  );

/** Nobody reads what is older than an hour; by the database's clock, which wrote it. */
const expireAccessChanges = ({ systemDb }: Database) =>
  count(
    systemDb.rows(sql`
    with expired as (
      delete from access_changes where sequence in (
        select sequence from access_changes where changed_at < clock_timestamp() - interval '2 hours'
        order by sequence limit ${sql.raw(String(batch))} for update skip locked)
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

/** Those that are over, and have left nothing behind that was put aside. */
const expireReplays = ({ systemDb }: Database, before: Date) =>
  count(
    systemDb.rows(sql`
    with expired as (
      delete from consumer_offsets where (tenant_id, consumer, lane) in (
        select tenant_id, consumer, lane from consumer_offsets o
        where position >= until_position and updated_at <= ${before} and not exists (
          select 1 from consumer_deliveries d
          where d.tenant_id = o.tenant_id and d.consumer = o.consumer and d.lane = o.lane)
        limit ${sql.raw(String(batch))} for update skip locked)
      returning 1)
    select count(*)::int as count from expired`),
  );
