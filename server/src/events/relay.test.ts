import { sql, type Database } from '@olympus/database';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../platform/clock.ts';
import { createLeadership } from './leadership.ts';
import { append } from './outbox.ts';
import {
  contextOf,
  imported,
  installOnServer,
  kinds,
  newTenant,
  serverUrl,
  startReplica,
  take,
  textOf,
  until,
  write,
  type Installation,
  type Replica,
  type ServerInstallation,
} from './testing/installation.ts';

interface Row {
  tenant_id: string;
  sequence: string;
  position: string | null;
  payload: { orders: number };
}
const rowsOf = (database: Database, tenants: readonly string[]) =>
  database.systemDb.rows<Row>(sql`
    select tenant_id, sequence, position, payload from events where tenant_id = any(${`{${tenants.join(',')}}`}::uuid[])
    order by tenant_id, position`);
const placed = async (database: Database, tenants: readonly string[], count: number) => {
  await until(
    async () => (await rowsOf(database, tenants)).filter(({ position }) => position !== null).length === count,
  );
  return rowsOf(database, tenants);
};
const leaders = (replicas: readonly Replica[]) => replicas.filter(({ relay }) => relay.status().role === 'leader');

describe.each(kinds)('the relay on %s', (kind, install) => {
  let installation: Installation;
  const replicas: Replica[] = [];
  beforeAll(async () => {
    installation = await install();
  });
  afterEach(async () => {
    await Promise.all(replicas.splice(0).map((replica) => replica.close()));
  });
  afterAll(() => installation.remove());

  const start = async () => {
    const replica = startReplica(await installation.open());
    replicas.push(replica);
    return replica;
  };

  it('gives each tenant positions from 1 without gaps, in the order of commits', async () => {
    const { database } = installation;
    const tenants = [newTenant(), newTenant(), newTenant()];
    await start();
    // Each writer waits for its commit before it writes again, and notes the order in which it did.
    const acknowledged = new Map(tenants.map((tenant) => [tenant, [] as { writer: number; n: number }[]]));
    const writers = Array.from({ length: 20 }, async (_, writer) => {
      const tenant = tenants[writer % tenants.length] ?? '';
      for (let n = 0; n < 15; n++) {
        await write(database, tenant, imported(writer * 1000 + n));
        acknowledged.get(tenant)?.push({ writer, n });
      }
    });
    await Promise.all(writers);
    const rows = await placed(database, tenants, 300);
    for (const tenant of tenants) {
      const mine = rows.filter((row) => row.tenant_id === tenant);
      expect(mine.map(({ position }) => Number(position))).toEqual(mine.map((_, index) => index + 1));
      expect(mine).toHaveLength(acknowledged.get(tenant)?.length ?? -1);
      // What one writer committed before it wrote the next stands before it.
      const last = new Map<number, number>();
      for (const { payload } of mine) {
        const writer = Math.floor(payload.orders / 1000);
        expect(payload.orders % 1000).toBe((last.get(writer) ?? -1) + 1);
        last.set(writer, payload.orders % 1000);
      }
    }
  });

  it('places what was committed while none ran, and keeps the epoch', async () => {
    const { database } = installation;
    const tenant = newTenant();
    for (let n = 0; n < 5; n++) await write(database, tenant, imported(n));
    expect((await rowsOf(database, [tenant])).every(({ position }) => position === null)).toBe(true);
    await start();
    const rows = await placed(database, [tenant], 5);
    expect(rows.map(({ payload }) => payload.orders)).toEqual([0, 1, 2, 3, 4]);
    const epochs = () =>
      database.systemDb.rows<{ epoch: string }>(sql`select epoch from event_heads where tenant_id = ${tenant}::uuid`);
    const [before] = await epochs();
    await write(database, tenant, imported(5));
    await placed(database, [tenant], 6);
    expect(await epochs()).toEqual([before]);
    expect(before?.epoch).toMatch(/^[0-9a-f]{16}$/);
  });

  it('never sees what was rolled back', async () => {
    const { database } = installation;
    const tenant = newTenant();
    await start();
    const doomed = database.transaction(tenant, async (db) => {
      const ctx = { db, clock: systemClock, requestId: 'test', stale: new Set<string>() };
      await append(ctx, { topic: 'orders', id: null }, { type: 'orders.imported', orders: 1, lines: 1 });
      throw new Error('no');
    });
    await expect(doomed).rejects.toThrow('no');
    await write(database, tenant, imported(2));
    const rows = await placed(database, [tenant], 1);
    expect(rows.map(({ position, payload }) => [position, payload.orders])).toEqual([['1', 2]]);
  });

  it('is led by one of two, and taken over when that one stops', async () => {
    const { database } = installation;
    const tenant = newTenant();
    const first = await start();
    await until(() => first.relay.status().role === 'leader');
    const second = await start();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(second.relay.status()).toEqual({ role: 'standby', healthy: true });
    await write(database, tenant, imported(1));
    await placed(database, [tenant], 1);
    const begin = performance.now();
    await first.close();
    expect(first.relay.status().role).toBe('stopped');
    await until(() => second.relay.status().role === 'leader', 5000);
    await write(database, tenant, imported(2));
    await placed(database, [tenant], 2);
    expect(performance.now() - begin).toBeLessThan(5000);
    expect(second.relay.status()).toEqual({ role: 'leader', healthy: true });
    if (kind === 'embedded') expect(leaders(replicas)).toHaveLength(1);
  });

  it('sets a waiting subscriber going within a fraction of its poll', async () => {
    const { database } = installation;
    const tenant = newTenant();
    const replica = startReplica(database);
    replicas.push(replica);
    const events = replica.follow(contextOf(tenant), { topic: 'orders' });
    await events.started;
    await until(() => replica.relay.status().role === 'leader');
    const times: number[] = [];
    for (let n = 0; n < 20; n++) {
      const begin = performance.now();
      await write(database, tenant, imported(n));
      await take(events, 1);
      times.push(performance.now() - begin);
    }
    times.sort((a, b) => a - b);
    // A lost wake-up would cost a quarter of a second or more, each time.
    expect(times[10]).toBeLessThan(150);
    await events.return();
  });
});

describe.runIf(serverUrl)('leaders that die, on PostgreSQL', () => {
  let installation: ServerInstallation;
  beforeAll(async () => {
    installation = await installOnServer();
  });
  afterAll(() => installation.remove());
  const holders = () =>
    installation.admin<{ pid: number }[]>`
      select pid from pg_locks where locktype = 'advisory' and granted
      and database = (select oid from pg_database where datname = current_database())`;

  it('lose nothing and repeat nothing while others write', async () => {
    const { database } = installation;
    const tenants = [newTenant(), newTenant()];
    const replicas = [
      startReplica(database),
      startReplica(await installation.open()),
      startReplica(await installation.open()),
    ];
    await until(() => leaders(replicas).length === 1);
    const readers = replicas.flatMap(({ follow }) =>
      tenants.map((tenant) => ({ tenant, events: follow(contextOf(tenant), { topic: 'orders' }) })),
    );
    await Promise.all(readers.map(({ events }) => events.started));
    const count = 200;
    const killed = new Set<number>();
    const writing = { on: true };
    const killer = (async () => {
      while (writing.on) {
        for (const { pid } of await holders()) {
          await installation.admin`select pg_terminate_backend(${pid})`;
          killed.add(pid);
        }
        await new Promise((resolve) => setTimeout(resolve, 150));
      }
    })();
    for (let n = 0; n < count; n++) {
      await Promise.all(tenants.map((tenant) => write(database, tenant, imported(n))));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    writing.on = false;
    await killer;
    expect(killed.size).toBeGreaterThan(0);
    const begin = performance.now();
    const expected = Array.from({ length: count }, (_, n) => String(n));
    for (const { events } of readers) expect((await take(events, count, 6000)).map(textOf)).toEqual(expected);
    expect(performance.now() - begin).toBeLessThan(6000);
    for (const tenant of tenants) {
      const rows = await rowsOf(database, [tenant]);
      expect(rows.map(({ position }) => Number(position))).toEqual(expected.map((_, index) => index + 1));
    }
    await Promise.all(replicas.map((replica) => replica.close()));
  }, 60_000);

  it('say nothing, as a stopped process does, and are put out by the server', async () => {
    const { database } = installation;
    const tenant = newTenant();
    const silent = createLeadership(await installation.open());
    const term = await silent.acquire();
    expect(term).not.toBeNull();
    const second = startReplica(database);
    const begin = performance.now();
    await write(database, tenant, imported(1));
    await placed(database, [tenant], 1);
    expect(performance.now() - begin).toBeLessThan(5000);
    await expect(term?.rows(sql`select 1`)).rejects.toMatchObject({ reason: 'LOST' });
    await Promise.all([silent.release(), second.close()]);
  });
});
