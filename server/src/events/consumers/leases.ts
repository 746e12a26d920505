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
  /** It is another's share now: nothing is begun in it any more, and it is given back when what runs has ended. */
  leaving: boolean;
}

/** The shards of one consumer that this process serves. */
export interface Leases {
  readonly held: ReadonlyMap<number, Lease>;
  /**
   * Renews what is held, takes what is free of this process's share, and gives back what is beyond it and not busy.
   * The processes that serve the consumer share its shards evenly; whoever joins or leaves is heard of within seconds.
   */
  renew(isBusy: (shard: number) => boolean): Promise<void>;
  /** Gives back everything, so that others need not wait, and takes no share any more until it renews again. */
  release(): Promise<void>;
}

export interface LeaseOptions {
  readonly database: Database;
  readonly consumer: string;
  /** Unique to this process and consumer. */
  readonly holder: string;
}

interface Renewed {
  readonly shard: number | null;
  readonly quota: number;
}

/** Rows with a time, since one statement tells a settling transaction whether its lease still stands. */
export function createLeases({ database, consumer, holder }: LeaseOptions): Leases {
  const held = new Map<number, Lease>();
  const db = database.systemDb;
  const until = sql`clock_timestamp() + ${leaseMs} * interval '1 millisecond'`;

  /** By their holders' names, the first ones have one more where the shards cannot be divided evenly. */
  const renewAll = () =>
    db.rows<Renewed>(sql`
      with known as materialized (
        select holder from consumer_members where consumer = ${consumer} and expires_at > clock_timestamp()
        union select ${holder}),
      me as (
        insert into consumer_members (consumer, holder, expires_at) values (${consumer}, ${holder}, ${until})
        on conflict (consumer, holder) do update set expires_at = excluded.expires_at),
      gone as (
        delete from consumer_members where consumer = ${consumer} and expires_at < clock_timestamp() - interval '1 minute'),
      share as materialized (
        select ${shards}::int / count::int + case when turn <= ${shards}::int % count::int then 1 else 0 end as quota
        from (select holder, row_number() over (order by holder) as turn, count(*) over () as count from known) k
        where holder = ${holder}),
      renewed as (
        update consumer_leases set expires_at = ${until}
        where consumer = ${consumer} and holder = ${holder} and expires_at >= clock_timestamp()
        returning shard),
      free as materialized (
        select s.shard, row_number() over (order by random()) as turn
        from generate_series(0, ${sql.raw(String(shards - 1))}) s (shard)
        left join consumer_leases l on l.consumer = ${consumer} and l.shard = s.shard
        where l.expires_at is null or l.expires_at < clock_timestamp()),
      taken as (
        insert into consumer_leases (consumer, shard, holder, expires_at)
        select ${consumer}, shard, ${holder}, ${until}
        from free where turn <= (select quota from share) - (select count(*) from renewed)
        on conflict (consumer, shard) do update set holder = excluded.holder, expires_at = excluded.expires_at
        where consumer_leases.expires_at < clock_timestamp()
        returning shard)
      select s.quota, l.shard from share s
      left join (select shard from renewed union select shard from taken) l on true`);

  async function giveBack(given: readonly number[]): Promise<void> {
    if (given.length === 0) return;
    // From now on nothing is begun in them here.
    for (const shard of given) held.delete(shard);
    await db.rows(sql`
      delete from consumer_leases
      where consumer = ${consumer} and holder = ${holder} and shard = any(${array(given)}::int[])`);
  }

  return {
    held,
    async renew(isBusy) {
      const before = performance.now();
      const rows = await renewAll();
      const now = new Set(rows.flatMap(({ shard }) => shard ?? []));
      for (const shard of held.keys()) if (!now.has(shard)) held.delete(shard);
      for (const shard of now) {
        const lease = held.get(shard);
        if (lease) lease.until = before + leaseMs;
        else held.set(shard, { shard, until: before + leaseMs, leaving: false });
      }
      const quota = rows[0]?.quota ?? shards;
      // Idle ones go first, and those that are on their way out already.
      const inOrder = [...held.values()].toSorted(
        (a, b) => Number(b.leaving) - Number(a.leaving) || Number(isBusy(a.shard)) - Number(isBusy(b.shard)),
      );
      inOrder.forEach((lease, at) => (lease.leaving = at < held.size - quota));
      await giveBack(inOrder.filter(({ leaving, shard }) => leaving && !isBusy(shard)).map(({ shard }) => shard));
    },
    async release() {
      await giveBack([...held.keys()]);
      await db.rows(sql`delete from consumer_members where consumer = ${consumer} and holder = ${holder}`);
    },
  };
}
