import { sql, type Database } from '@olympus/database';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../platform/clock.ts';
import { append } from '../outbox.ts';
import {
  contextOf,
  imported,
  installOnServer,
  newTenant,
  serverUrl,
  startReplica,
  textOf,
  write,
  type Replica,
  type ServerInstallation,
} from '../testing/installation.ts';
import { tendLog } from './retention.ts';
import { sizeOf } from './segments.ts';

describe.skipIf(!serverUrl)('the log while its oldest part is dropped', () => {
  let installation: ServerInstallation;
  let database: Database;
  let replica: Replica;
  let now = Date.now();
  beforeEach(async () => {
    installation = await installOnServer();
    ({ database } = installation);
    replica = startReplica(database);
    now = Date.now();
  });
  afterEach(async () => {
    await replica.close();
    await installation.remove();
  });

  const tend = () =>
    tendLog({
      database,
      clock: { now: () => new Date(now) },
      log: { info: () => {}, warn: () => {} },
      consumers: [],
      retention: { hours: 8, maxBytes: 2 ** 30 },
    });
  const follow = (tenant: string, lastEventId?: string) =>
    replica.follow(contextOf(tenant), { topic: 'orders', lastEventId });

  it('loses nothing of what is written and read meanwhile, and holds nobody up', async () => {
    const tenants = [newTenant(), newTenant(), newTenant()];
    const streams = tenants.map((tenant) => follow(tenant));
    await Promise.all(streams.map((stream) => stream.started));
    let writing = true;
    let slowest = 0;
    const writer = async (tenant: string) => {
      let written = 0;
      while (writing) {
        const start = performance.now();
        await write(database, tenant, imported(++written));
        slowest = Math.max(slowest, performance.now() - start);
      }
      return written;
    };
    const written = Promise.all(tenants.map(writer));
    const told = streams.map((): string[] => []);
    const listening = Promise.all(
      streams.map(async (stream, index) => {
        for await (const item of stream) if (item.event.type !== 'started') told[index]?.push(textOf(item));
      }),
    );
    let dropped = 0;
    for (let round = 0; round < 60; round++) {
      // A segment an hour, of which eight are kept; each look is a second process' as well.
      now += 3_600_000;
      const both = await Promise.all([tend(), tend()]);
      dropped += both[0] + both[1];
      await sleep(20);
    }
    writing = false;
    const counts = await written;
    expect(dropped).toBeGreaterThan(40);
    expect((await sizeOf(database.systemDb)).segments).toBeLessThan(15);
    const all = counts.map((count) => Array.from({ length: count }, (_, n) => String(n + 1)));
    await expect.poll(() => told).toEqual(all);
    await Promise.all(streams.map((stream) => stream.return()));
    await listening;
    expect(counts.reduce((a, b) => a + b)).toBeGreaterThan(300);
    expect(slowest).toBeLessThan(1000);
  }, 120_000);

  it('waits for a transaction that began before, and drops nothing that it commits late', async () => {
    const [tenant, other] = [newTenant(), newTenant()];
    const kept = () => database.tenant(tenant).rows(sql`select position from events where tenant_id = ${tenant}::uuid`);
    let commit = () => {};
    const mayCommit = new Promise<void>((resolve) => (commit = resolve));
    let begin = () => {};
    const begun = new Promise<void>((resolve) => (begin = resolve));
    const late = database.transaction(tenant, async (db) => {
      const ctx = { db, clock: systemClock, requestId: 'test', stale: new Set<string>() };
      await append(ctx, { topic: 'orders', id: null }, imported(7));
      begin();
      await mayCommit;
    });
    await begun;
    await write(database, other, imported(1));
    now += 2 * 3_600_000;
    await tend();
    await write(database, other, imported(2));
    await expect
      .poll(() => database.systemDb.rows(sql`select 1 as left from events where position is null`))
      .toEqual([]);
    // Nobody gives what is committed late its place, so that only its row can be what keeps it.
    await replica.close();
    now += 24 * 3_600_000;

    let ended = false;
    const tending = tend().finally(() => (ended = true));
    setTimeout(commit, 1500);
    let slowest = 0;
    while (!ended) {
      const start = performance.now();
      await write(database, other, imported(3));
      slowest = Math.max(slowest, performance.now() - start);
    }
    expect(await tending).toBe(0);
    await late;
    expect(await kept()).toEqual([{ position: null }]);
    // Whoever writes waits for as long as one attempt at most.
    expect(slowest).toBeLessThan(2000);
    replica = startReplica(database);
    await expect.poll(kept).toEqual([{ position: '1' }]);
    expect(await tend()).toBe(1);
    expect(await kept()).toEqual([]);
    const [head] = await database.systemDb.rows(sql`select oldest from event_heads where tenant_id = ${tenant}::uuid`);
    expect(head).toEqual({ oldest: '2' });
  }, 120_000);
});
