import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createLogger } from '@olympus/server/platform/logger.ts';
import { createRateLimiter, noRateLimits } from '@olympus/server/platform/rate-limiter.ts';
import { openRedis, type Redis } from '@olympus/server/platform/redis.ts';
import { windowKey } from '@olympus/server/platform/shared-counters.ts';
import { createStore, type Store } from '../harness.ts';
import { olympus, type Served } from '../processes.ts';
import { startRedisCluster, type RedisCluster } from '../redis-cluster.ts';
import { findProgram } from '../services.ts';
import { look, Team } from '../chat/people.ts';

const able = findProgram('redis-server') !== null && findProgram('redis-cli') !== null;
const log = createLogger({ level: 'silent', destination: { write() {} } });
const prefix = 'cluster-test:';
const windowSeconds = 60;
const settled = { timeout: 15_000, interval: 50 };

interface Process {
  readonly redis: Redis;
  readonly heard: string[];
  /** What came by a stream. */
  readonly read: string[];
  readonly subscribed: () => number;
}

describe.skipIf(!able)('a Redis Cluster', () => {
  let cluster: RedisCluster;
  let processes: Process[] = [];
  let leave: (() => Promise<void>)[] = [];
  afterEach(async () => {
    await Promise.all(leave.map((end) => end()));
    leave = [];
    await Promise.all(processes.map(({ redis }) => redis.close()));
    processes = [];
    await cluster.close();
  });

  /** Connections as several processes have them. */
  async function connect(count: number): Promise<void> {
    for (let index = 0; index < count; index++) {
      // Each begins with another node.
      const urls = cluster.url.split(',');
      const url = [...urls.slice(index), ...urls.slice(0, index)].join(',');
      const redis = openRedis(url, { keyPrefix: prefix, log });
      const heard: string[] = [];
      const subscribed = vi.fn();
      await vi.waitFor(() => redis.ping(), settled);
      await redis.subscribe('news', (text) => heard.push(text), subscribed);
      const read: string[] = [];
      leave.push(
        redis.follow(
          'wire',
          (text) => read.push(text),
          () => {},
        ),
      );
      processes.push({ redis, heard, read, subscribed: () => subscribed.mock.calls.length });
    }
  }

  /** How many of `each` calls at each process are let through, counted in windows of a user, an address and a tenant. */
  async function admit(limit: number, each: number): Promise<number> {
    const id = randomUUID();
    const narrow = { limit, windowSeconds };
    const wide = { limit: 10_000, windowSeconds };
    const calls = processes.flatMap(({ redis }) => {
      const limiter = createRateLimiter({
        limits: { ...noRateLimits, read: narrow, address: wide, tenant: wide },
        redis,
      });
      const demands = (['read', 'address', 'tenant'] as const).map((policy) => ({ policy, key: id }));
      return Array.from({ length: each }, () => limiter.take(demands));
    });
    return (await Promise.all(calls)).filter(({ allowed }) => allowed).length;
  }

  async function everybodyHears(text: string): Promise<void> {
    await vi.waitFor(async () => {
      // What is said while one's connection is away is lost, as it may be.
      await processes[0]?.redis.publish('news', text);
      for (const { heard } of processes) expect(heard).toContain(text);
    }, settled);
  }

  async function everybodyReads(text: string): Promise<void> {
    await vi.waitFor(async () => {
      await processes[0]?.redis.append('wire', text);
      for (const { read } of processes) expect(read).toContain(text);
    }, settled);
  }

  it('of three nodes counts for all processes together and carries their words; without one of them each goes on', async () => {
    cluster = await startRedisCluster();
    await connect(3);
    expect(await admit(50, 100)).toBe(50);
    for (const [index, { redis }] of processes.entries()) {
      await redis.publish('news', `from ${index}`);
      await vi.waitFor(() => {
        for (const { heard } of processes) expect(heard).toContain(`from ${index}`);
      }, settled);
    }

    await everybodyReads('at first');
    const counting = await cluster.masterOf(prefix + windowKey('any'));
    await counting.kill();
    const start = performance.now();
    expect(await admit(50, 100)).toBe(150);
    expect(performance.now() - start).toBeLessThan(2000);
    await everybodyHears('without one');
    await vi.waitFor(() => expect(processes[0]?.redis.ping()).rejects.toBeInstanceOf(Error), settled);

    await counting.start();
    await vi.waitFor(() => Promise.all(processes.map(({ redis }) => redis.ping())), settled);
    await vi.waitFor(async () => expect(await admit(50, 100)).toBe(50), settled);
    await everybodyHears('all again');
    const carrying = await cluster.masterOf(`${prefix}wire`);
    await carrying.kill();
    await expect(processes[0]?.redis.append('wire', 'lost')).rejects.toBeInstanceOf(Error);
    await carrying.start();
    await everybodyReads('with all of them');
  }, 180_000);

  it('tells whoever listened by a node that is lost to catch up, and is heard by another', async () => {
    cluster = await startRedisCluster();
    await connect(3);
    for (const node of cluster.nodes) {
      const before = processes.map(({ subscribed }) => subscribed());
      await node.kill();
      await vi.waitFor(() => {
        const after = processes.map(({ subscribed }) => subscribed());
        expect(after.reduce((a, b) => a + b)).toBeGreaterThan(before.reduce((a, b) => a + b));
      }, settled);
      await everybodyHears(`without ${node.port}`);
      await node.start();
      await vi.waitFor(() => Promise.all(processes.map(({ redis }) => redis.ping())), settled);
    }
  }, 240_000);

  it('with replicas puts one in the place of a master that is killed, and counting goes on together', async () => {
    cluster = await startRedisCluster(1);
    await connect(2);
    expect(await admit(50, 100)).toBe(50);
    const lost = await cluster.masterOf(prefix + windowKey('any'));
    await lost.kill();
    // No call fails meanwhile: each process counts for itself.
    let together = 0;
    for (const end = performance.now() + 15_000; together < 3 && performance.now() < end; await sleep(100)) {
      const admitted = await admit(20, 40);
      expect(admitted).toBeGreaterThanOrEqual(20);
      expect(admitted).toBeLessThanOrEqual(40);
      together = admitted === 20 ? together + 1 : 0;
    }
    expect(together).toBe(3);
    expect((await cluster.masterOf(prefix + windowKey('any'))).port).not.toBe(lost.port);
    await everybodyHears('by another master');
    await everybodyReads('by another master');
    await vi.waitFor(() => processes[0]?.redis.ping(), settled);
  }, 180_000);
});

describe.skipIf(!able || !process.env['TEST_DATABASE_URL'])('two servers on a Redis Cluster', () => {
  let cluster: RedisCluster;
  let store: Store;
  let servers: Served[] = [];
  beforeAll(async () => {
    [cluster, store] = await Promise.all([startRedisCluster(), createStore()]);
    const env = { ...store.env, REDIS_URL: cluster.url, RATE_LIMITS: 'read=10000/1,write=10000/1' };
    servers = await Promise.all([olympus(env), olympus(env)]);
  }, 120_000);
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop('SIGKILL')));
    await cluster.close();
    await store.remove();
  });

  it('tell each other of events, of what is stale and of who is there, also when a node dies', async () => {
    const [here, there] = servers as [Served, Served];
    const team = new Team(here.url);
    const wait = (about: () => unknown) => expect.poll(about, { timeout: 15_000 });
    const health = async () => ((await (await fetch(`${there.url}/health`)).json()) as { status: string }).status;
    try {
      const owner = await team.owner();
      const mate = await team.hire(owner);
      const away = await team.device(mate, there.url);
      const mine = look(owner.api);
      const theirs = look(away);
      await wait(() => mine.statusOf(mate.id)).toBe('online');
      const seen: string[] = [];
      const subscription = away.products.updates.subscribe(
        {},
        { onData: ({ data }) => 'product' in data && void seen.push(data.product.name) },
      );
      const tell = async (name: string) => {
        // The list is kept by the other server until it hears of the change.
        await away.products.list.query({});
        await owner.api.products.create.mutate({ sku: name, name, price: { amount: '1', currency: 'USD' } });
        const start = performance.now();
        await wait(() => seen).toContain(name);
        await wait(async () => (await away.products.list.query({})).items.map((item) => item.name)).toContain(name);
        return performance.now() - start;
      };
      await sleep(500);
      const delays = [];
      for (let index = 0; index < 5; index++) delays.push(await tell(`whole-${index}`));
      // A lost word is made up for by a look at the log after 1.5 s; here none is lost.
      expect(Math.min(...delays)).toBeLessThan(700);
      expect(await health()).toBe('ok');

      const [node] = cluster.nodes;
      await node?.kill();
      for (let index = 0; index < 5; index++) await tell(`broken-${index}`);
      await wait(health).toBe('degraded');
      theirs.stop();
      await wait(() => mine.statusOf(mate.id)).toBe('offline');
      await node?.start();
      await wait(health).toBe('ok');
      for (let index = 0; index < 5; index++) await tell(`mended-${index}`);
      expect(seen).toHaveLength(15);
      subscription.unsubscribe();
      mine.stop();
    } finally {
      team.close();
    }
  }, 180_000);
});
