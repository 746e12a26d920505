import { sql, type Database } from '@olympus/database';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { contextOf, imported, kinds, newTenant, startReplica, take, textOf, write } from '../testing/installation.ts';
import type { Installation, Replica } from '../testing/installation.ts';
import { defaultLogRetention, tendLog, type LogRetention } from './retention.ts';
import { sizeOf } from './segments.ts';

const hour = 3_600_000;
const weeks = { hours: 7 * 24, maxBytes: defaultLogRetention.maxBytes };

describe.each(kinds)('retention of the log on %s', (_, install) => {
  let installation: Installation;
  let database: Database;
  let replica: Replica | null = null;
  let warnings: object[] = [];
  /** Moves on from test to test: a segment is older than what came before it. */
  let now = Date.now();
  beforeAll(async () => {
    installation = await install();
    ({ database } = installation);
  });
  beforeEach(() => {
    warnings = [];
  });
  afterAll(async () => {
    await replica?.close();
    await installation.remove();
  });

  const tend = (about: { retention?: LogRetention; consumers?: string[] } = {}) =>
    tendLog({
      database,
      clock: { now: () => new Date(now) },
      log: { info: () => {}, warn: (fields) => void warnings.push(fields) },
      consumers: about.consumers ?? [],
      retention: about.retention ?? weeks,
    });
  const place = async () => {
    replica ??= startReplica(database);
    replica.relay.wake();
    await expect.poll(async () => (await unplaced()).length).toBe(0);
  };
  const unplaced = () => database.systemDb.rows(sql`select 1 as waiting from events where position is null`);
  const partitions = async () => {
    const rows = await database.systemDb.rows<{ name: string }>(sql`
      select inhrelid::regclass::text as name from pg_inherits where inhparent = 'events'::regclass order by inhrelid`);
    return rows.map(({ name }) => Number(name.replace('events_', '')));
  };
  const follow = (tenant: string, lastEventId?: string) => {
    if (!replica) throw new Error('nothing runs');
    return replica.follow(contextOf(tenant), { topic: 'orders', lastEventId });
  };
  const say = async (tenant: string, ...texts: number[]) => {
    for (const text of texts) await write(database, tenant, imported(text));
  };
  /** Closes what is open, so that nothing of another test is in the way, and drops it. */
  const clear = async () => {
    now += 1000 * hour;
    await tend();
    now += 1000 * hour;
    await tend();
  };

  it('keeps every event that has no place yet', async () => {
    const tenant = newTenant();
    await say(tenant, 1);
    now += 22 * hour;
    await tend();
    expect(await partitions()).toEqual([0, 1, 2]);
    now += 1000 * hour;
    expect(await tend()).toBe(0);
    expect(await unplaced()).toHaveLength(1);
    await place();
    expect(await tend()).toBe(1);
    expect(await partitions()).toEqual([1, 2]);
  });

  it('drops what is old: who knows the last of it goes on, who knows less is told', async () => {
    await clear();
    const [tenant, other] = [newTenant(), newTenant()];
    const live = follow(tenant);
    await live.started;
    await say(tenant, 1, 2, 3);
    await say(other, 1);
    await place();
    now += 22 * hour;
    expect(await tend()).toBe(0);
    await say(tenant, 4, 5);
    const items = await take(live, 5);
    const before = await partitions();
    now += 7 * 24 * hour - 1;
    expect(await tend()).toBe(0);
    now += 1;
    expect(await tend()).toBe(1);
    expect((await partitions()).slice(0, 2)).toEqual(before.slice(1, 3));

    const atTheEdge = follow(tenant, items[2]?.id);
    expect((await take(atTheEdge, 2)).map(textOf)).toEqual(['4', '5']);
    const late = follow(tenant, items[1]?.id);
    const [reset] = await take(late, 1);
    expect(reset?.event).toEqual({ type: 'reset', reason: expect.stringMatching(/no longer kept/) });
    await say(tenant, 6);
    for (const stream of [live, atTheEdge, late]) expect((await take(stream, 1)).map(textOf)).toEqual(['6']);
    // Of this one nothing is kept at all: its head still stands.
    const fresh = follow(other);
    await fresh.started;
    await say(other, 2);
    expect((await take(fresh, 1)).map(textOf)).toEqual(['2']);
    await Promise.all([live, atTheEdge, late, fresh].map((stream) => stream.return()));
  });

  it('drops the oldest of what is too large', async () => {
    await clear();
    const tenant = newTenant();
    const first = follow(tenant);
    await first.started;
    await say(tenant, 1);
    const [known] = await take(first, 1);
    await first.return();
    const retention = { hours: 1000, maxBytes: 2 ** 20 };
    let dropped = 0;
    for (let round = 0; round < 10; round++) {
      await database.systemDb.rows(sql`
        insert into events (tenant_id, topic, type, version, payload, created_at)
        select ${tenant}::uuid, 'orders', 'orders.imported', 1, jsonb_build_object('type', 'orders.imported', 'orders', n, 'lines', 0,
               'filler', (select string_agg(md5(n::text || m::text), '') from generate_series(1, 60) m)), now()
        from generate_series(1, 90) n`);
      await place();
      now += 60_000;
      dropped += await tend({ retention });
    }
    expect(dropped).toBeGreaterThan(3);
    const { bytes, segments } = await sizeOf(database.systemDb);
    expect(bytes).toBeLessThan(1.5 * retention.maxBytes);
    expect(segments).toBeLessThan(12);
    const late = follow(tenant, known?.id);
    expect((await take(late, 1)).map(textOf)).toEqual(['reset']);
    await late.return();
  });

  it('waits for consumers as long again, and for nobody where there is no room', async () => {
    await clear();
    const tenant = newTenant();
    await say(tenant, 1, 2, 3);
    await place();
    now += 22 * hour;
    await tend();
    const consumers = ['slow', 'quick'];
    await database.systemDb.rows(sql`
      insert into consumer_offsets (tenant_id, consumer, lane, epoch, position, updated_at)
      select tenant_id, c.name, 'live', epoch, case when c.name = 'slow' and tenant_id = ${tenant}::uuid then 1 else position end, now()
      from event_heads, unnest(array['slow', 'quick']) c (name)`);
    now += 7 * 24 * hour;
    expect(await tend({ consumers })).toBe(0);
    expect(warnings).toEqual([expect.objectContaining({ consumer: 'slow', tenants: 1, events: 2 })]);
    expect(await tend({ consumers, retention: { hours: 7 * 24, maxBytes: 1 } })).toBeGreaterThan(0);
    expect(warnings[1]).toMatchObject({ consumer: 'slow', tenants: 1, events: 2 });

    await say(tenant, 4);
    await place();
    now += 22 * hour;
    await tend();
    now += 13 * 24 * hour;
    expect(await tend({ consumers })).toBe(0);
    now += 24 * hour;
    expect(await tend({ consumers })).toBe(1);
    expect(warnings.at(-1)).toMatchObject({ consumer: 'slow', tenants: 1, events: 1 });
  });

  it('makes every partition unreadable by itself, with positions that are unique in it', async () => {
    const found = await database.systemDb.rows<{ name: string; sound: boolean }>(sql`
      select c.relname as name, c.relrowsecurity and c.relforcerowsecurity
        and not exists (select 1 from pg_policy p where p.polrelid = c.oid)
        and exists (select 1 from pg_index i where i.indrelid = c.oid and i.indisunique and i.indisvalid
                    and pg_get_indexdef(i.indexrelid) like '%(tenant_id, "position")') as sound
      from pg_inherits h join pg_class c on c.oid = h.inhrelid where h.inhparent = 'events'::regclass`);
    expect(found.length).toBeGreaterThan(1);
    expect(found.filter(({ sound }) => !sound)).toEqual([]);
    const tenant = newTenant();
    await say(tenant, 1);
    for (const { name } of found) {
      const table = sql.identifier(name);
      expect(await database.tenant(tenant).rows(sql`select 1 as seen from ${table}`)).toEqual([]);
      expect(await database.systemDb.rows(sql`select 1 as seen from ${table}`)).toEqual([]);
      await expect(database.systemDb.rows(sql`drop table ${table}`)).rejects.toThrow(/owner/);
    }
    const [newest] = (await partitions()).slice(-2);
    await expect(database.systemDb.rows(sql`select event_segment_drop(${newest}::bigint)`)).rejects.toThrow(
      /written to/,
    );
    await expect(database.transaction(tenant, (db) => db.rows(sql`select event_segment_next()`))).rejects.toThrow(
      /denied/,
    );
  });
});
