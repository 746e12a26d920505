import { sql } from '@olympus/database';
import { randomBytes } from 'node:crypto';
import { Redis as Client } from 'ioredis';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeEventId } from './event-id.ts';
import {
  contextOf,
  imported,
  installEmbedded,
  installOnServer,
  newTenant,
  ownRedisUrl,
  redisUrl,
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

const texts = (count: number) => Array.from({ length: count }, (_, index) => String(index + 1));
// The collector is not exposed to programs that do not ask for it.
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe.runIf(serverUrl && redisUrl)('replicas with PostgreSQL and Redis', () => {
  const redisPrefix = `olympus_events_${randomBytes(6).toString('hex')}:`;
  let installation: ServerInstallation;
  let replicas: Replica[];
  let admin: Client;
  beforeAll(async () => {
    installation = await installOnServer();
    replicas = [];
    for (let n = 0; n < 3; n++)
      replicas.push(startReplica(n === 0 ? installation.database : await installation.open(), { redisPrefix }));
    admin = new Client(ownRedisUrl);
    await until(() => replicas.filter(({ relay }) => relay.status().role === 'leader').length === 1);
  });
  afterAll(async () => {
    await Promise.all(replicas.map((replica) => replica.close()));
    admin.disconnect();
    await installation.remove();
  });
  const followAll = async (tenant: string) => {
    const streams = replicas.map(({ follow }) => follow(contextOf(tenant), { topic: 'orders' }));
    await Promise.all(streams.map(({ started }) => started));
    return streams;
  };
  const stream = `${redisPrefix}olympus_events`;
  const readers = async () =>
    String(await admin.client('LIST')).match(/name=olympus-reader .*\bdb=11\b.*cmd=xread/g)?.length;

  it('hear of each other’s events at once, and drop what they keep', async () => {
    await until(async () => (await readers()) === 3);
    const tenant = newTenant();
    const streams = await followAll(tenant);
    const times: number[] = [];
    for (let n = 1; n <= 10; n++) {
      const begin = performance.now();
      // Through the one that leads and the ones that do not.
      await write(replicas[n % replicas.length]?.database ?? installation.database, tenant, imported(n));
      await Promise.all(streams.map((stream) => take(stream, 1)));
      times.push(performance.now() - begin);
    }
    times.sort((a, b) => a - b);
    // Without word from the writer, and to the readers, each would take a good part of a second.
    expect(times[8]).toBeLessThan(200);
    for (const { hints } of replicas) expect(hints.some(({ tenantId }) => tenantId === tenant)).toBe(true);
    await Promise.all(streams.map((stream) => stream.return()));
  });

  it('lose nothing when Redis is flushed and every connection to it is killed again and again', async () => {
    const tenants = [newTenant(), newTenant()];
    const readers = await Promise.all(tenants.map(followAll));
    for (let n = 1; n <= 60; n++) {
      await Promise.all(tenants.map((tenant) => write(installation.database, tenant, imported(n))));
      if (n % 10 === 0) {
        await admin.flushdb();
        for (const line of String(await admin.client('LIST')).split('\n')) {
          const [, id] = /^id=(\d+) .*name=olympus(?:-subscriber|-reader)? .*\bdb=11\b/.exec(line) ?? [];
          if (id) await admin.client('KILL', 'ID', id);
        }
      }
      await pause(10);
    }
    for (const streams of readers)
      for (const stream of streams) {
        expect((await take(stream, 60)).map(textOf)).toEqual(texts(60));
        await stream.return();
      }
  });

  it('find by themselves what a lost message would have told', async () => {
    const tenant = newTenant();
    // A replica that hears nothing: its hints go to a channel of their own.
    const deaf = startReplica(await installation.open(), { redisPrefix: `${redisPrefix}deaf:` });
    const stream = deaf.follow(contextOf(tenant), { topic: 'orders' });
    const first = take(stream, 1);
    await stream.started;
    await pause(200);
    await write(installation.database, tenant, imported(1));
    const begin = performance.now();
    expect((await first).map(textOf)).toEqual(['1']);
    expect(performance.now() - begin).toBeLessThan(2500);
    expect(deaf.hints.filter(({ tenantId }) => tenantId === tenant)).toEqual([
      { tenantId: tenant, topics: ['orders'] },
    ]);
    await stream.return();
    await deaf.close();
  });

  it('take no harm from what others say on the wire', async () => {
    const tenant = newTenant();
    const streams = await followAll(tenant);
    for (const text of [
      '',
      'null',
      '[]',
      '{"origin":"x"}',
      '{"origin":"x","hints":[null]}',
      `{"origin":"x","hints":[{"tenantId":"${tenant}","position":1e9,"topics":[]}]}`,
      ...['null', '{}', '{"epoch":"","events":[]}', '{"epoch":"e","events":[{"position":2}]}'].map(
        (carried) => `{"origin":"x","hints":[{"tenantId":"${tenant}","position":1,"topics":[],"carried":${carried}}]}`,
      ),
    ])
      await admin.xadd(stream, '*', 't', text);
    await write(installation.database, tenant, imported(1));
    for (const stream of streams) {
      expect((await take(stream, 1)).map(textOf)).toEqual(['1']);
      await stream.return();
    }
  });
});

describe.runIf(serverUrl)('replicas with PostgreSQL alone', () => {
  let installation: ServerInstallation;
  const replicas: Replica[] = [];
  beforeAll(async () => {
    installation = await installOnServer();
    replicas.push(startReplica(installation.database), startReplica(await installation.open()));
    await until(() => replicas.some(({ relay }) => relay.status().role === 'leader'));
  });
  afterAll(async () => {
    await Promise.all(replicas.map((replica) => replica.close()));
    await installation.remove();
  });

  it('hear of each other’s events by notification', async () => {
    const tenant = newTenant();
    const streams = replicas.map(({ follow }) => follow(contextOf(tenant), { topic: 'orders' }));
    await Promise.all(streams.map(({ started }) => started));
    const times: number[] = [];
    for (let n = 1; n <= 10; n++) {
      const begin = performance.now();
      // Through the one that leads and the ones that do not.
      await write(replicas[n % replicas.length]?.database ?? installation.database, tenant, imported(n));
      await Promise.all(streams.map((stream) => take(stream, 1)));
      times.push(performance.now() - begin);
    }
    times.sort((a, b) => a - b);
    // Without word from the writer, and to the readers, each would take a good part of a second.
    expect(times[8]).toBeLessThan(200);
    await Promise.all(streams.map((stream) => stream.return()));
  });

  it('go on when every connection to the database is killed', async () => {
    const tenant = newTenant();
    const streams = replicas.map(({ follow }) => follow(contextOf(tenant), { topic: 'orders' }));
    await Promise.all(streams.map(({ started }) => started));
    let written = 0;
    for (let n = 1; n <= 30; n++) {
      if (n % 10 === 0)
        await installation.admin`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'olympus'`;
      // Whether a write that failed has been committed is told by the log.
      await write(installation.database, tenant, imported(n)).then(
        () => written++,
        () => {},
      );
      await pause(10);
    }
    expect(written).toBeGreaterThan(20);
    const begin = performance.now();
    await until(async () => {
      const [row] = await installation.admin`select count(*)::int as waiting from events where position is null`;
      return row?.['waiting'] === 0;
    });
    const rows = await installation.admin`select payload from events where tenant_id = ${tenant} order by position`;
    const expected = rows.map(({ payload }) => String((payload as { orders: number }).orders));
    expect(expected.length).toBeGreaterThanOrEqual(written);
    for (const stream of streams) {
      expect((await take(stream, expected.length)).map(textOf)).toEqual(expected);
      await stream.return();
    }
    expect(performance.now() - begin).toBeLessThan(6000);
  });
});

describe('ten thousand subscriptions', () => {
  let installation: Installation;
  let replica: Replica;
  beforeAll(async () => {
    installation = await installEmbedded();
    replica = startReplica(installation.database);
  });
  afterAll(async () => {
    await replica.close();
    await installation.remove();
  });

  it('that come and go leave no memory behind', async () => {
    const tenant = newTenant();
    const round = async (count: number) => {
      for (let n = 0; n < count; n += 50) {
        await Promise.all(
          Array.from({ length: 50 }, async (_, index) => {
            const ctx = contextOf(tenant);
            const lastEventId = index % 5 === 0 ? undefined : encodeEventId({ epoch: '', position: 0 });
            const stream = replica.follow(ctx, { topic: 'orders', lastEventId });
            if (index % 3 === 0) await stream.started;
            if (index % 2 === 0) ctx.abort();
            else await stream.return();
          }),
        );
      }
    };
    await round(2000);
    const used = () => {
      collect();
      return process.memoryUsage().heapUsed;
    };
    const before = used();
    await round(10_000);
    expect(replica.hub.stats()).toEqual({ tenants: 0, subscribers: 0 });
    expect(used() - before).toBeLessThan(4 * 2 ** 20);
    // And all of it still works.
    const stream = replica.follow(contextOf(tenant), { topic: 'orders' });
    await stream.started;
    await write(installation.database, tenant, imported(1));
    await take(stream, 1);
    await installation.database.systemDb.rows(sql`delete from events`);
    await stream.return();
  });
});
