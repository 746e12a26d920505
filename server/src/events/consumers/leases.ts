import { array, sql, type Database } from '@olympus/database';

/** Parts into which the tenants are divided. Another number in another version would only make both lose turns. */
export const shards = 8;
/** By the last byte of an id, which is random. */
export const shardOf = sql.raw(`get_byte(uuid_send(tenant_id), 15) % ${shards}`);

/** A process that died is followed by another after this time; one that lives speaks several times within it. */
const leaseMs = 3000;
export const renewMs = 500;

export interface Lease {
  readonly shard: number;
  /** When it ends unless it is renewed, by `performance.now()`; earlier than the database's view of it. */
  until: number;
}

/** The shards of one consumer that this process serves. */
export interface Leases {
  readonly held: ReadonlyMap<number, Lease>;
  /** Renews what is held, and takes half of the shards that are free, so that processes which start together share them. */
  renew(): Promise<void>;
  /** Gives back what is held, so that others need not wait. */
  release(): Promise<void>;
}

export interface LeaseOptions {
  readonly database: Database;
  readonly consumer: string;
  /** Unique to this process and consumer. */
  readonly holder: string;
}

/** Rows with a time, since one statement tells a settling transaction whether its lease still stands. */
export function createLeases({ database, consumer, holder }: LeaseOptions): Leases {
  const held = new Map<number, Lease>();
  const db = database.systemDb;
  return {
    held,
    async renew() {
      const before = performance.now();
      const rows = await db.rows<{ shard: number }>(sql`
        with free as materialized (
          select s.shard, row_number() over (order by random()) as turn, count(*) over () as count from generate_series(0, ${sql.raw(String(shards - 1))}) s (shard)
          left join consumer_leases l on l.consumer = ${consumer} and l.shard = s.shard
          where l.expires_at is null or l.expires_at < clock_timestamp()),
        renewed as (
          update consumer_leases set expires_at = clock_timestamp() + ${leaseMs} * interval '1 millisecond'
          where consumer = ${consumer} and holder = ${holder} and expires_at >= clock_timestamp()
          returning shard),
        taken as (
          insert into consumer_leases (consumer, shard, holder, expires_at)
          select ${consumer}, shard, ${holder}, clock_timestamp() + ${leaseMs} * interval '1 millisecond'
          from free where turn <= ceil(count / 2.0)
          on conflict (consumer, shard) do update set holder = excluded.holder, expires_at = excluded.expires_at
          where consumer_leases.expires_at < clock_timestamp()
          returning shard)
        select shard from renewed union select shard from taken`);
      const now = new Set(rows.map(({ shard }) => shard));
      for (const shard of held.keys()) if (!now.has(shard)) held.delete(shard);
      for (const shard of now) {
        const lease = held.get(shard);
        if (lease) lease.until = before + leaseMs;
        else held.set(shard, { shard, until: before + leaseMs });
      }
    },
    async release() {
      const given = [...held.keys()];
      held.clear();
      await db.rows(sql`
        delete from consumer_leases
        where consumer = ${consumer} and holder = ${holder} and shard = any(${array(given)}::int[])`);
    },
  };
}
