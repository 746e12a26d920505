import { sql, type Database } from '@olympus/database';
import type { Clock } from '../platform/clock.ts';

/** How long is kept what nobody needs for ever. */
export interface Retention {
  /** Days for which it is shown that a replay is over. */
  readonly replayDays: number;
  /** Days that a session and its refresh tokens are kept after they have expired, so that a replay is still told from an invention. */
  readonly tokenDays: number;
}

export const defaultRetention: Retention = { replayDays: 7, tokenDays: 7 };

/** How many rows were deleted. */
export interface Expired {
  readonly idempotencyKeys: number;
  readonly refreshTokens: number;
  readonly sessions: number;
  readonly mailTokens: number;
  readonly signInFailures: number;
  readonly accessChanges: number;
  readonly signIns: number;
  readonly consumedEvents: number;
  readonly replays: number;
  readonly webhookDeliveries: number;
  readonly notifications: number;
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
    accessChanges: await inBatches(() => expireAccessChanges(database)),
    signIns: await inBatches(() => expireSignIns(database, new Date(now))),
    consumedEvents: await sweep('consumed_events', 'tenant_id, consumer, delivery', new Date(now)),
    webhookDeliveries: await sweep('webhook_deliveries', 'tenant_id, id', new Date(now)),
    notifications: await inBatches(() => expireNotifications(database, new Date(now))),
    replays: await inBatches(() => expireReplays(database, ago(retention.replayDays))),
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

/** What nobody has read by then is not counted as unread any more. */
const expireNotifications = ({ systemDb }: Database, before: Date) =>
  count(
    systemDb.rows(sql`
    with expired as (
      delete from notifications where (tenant_id, id) in (
        select tenant_id, id from notifications where expires_at <= ${before}
        order by expires_at limit ${sql.raw(String(batch))} for update skip locked)
      returning tenant_id, user_id, read_at),
    unread as (
      select tenant_id, user_id, count(*)::int as count from expired where read_at is null group by tenant_id, user_id),
    counted as (
      update notification_inboxes i set unread = greatest(i.unread - u.count, 0) from unread u
      where i.tenant_id = u.tenant_id and i.user_id = u.user_id)
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
