import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { startProxy } from '../../../drizzle/src/testing/proxy.ts';
import type { Demand, RateLimiter } from '../kernel/steps/rate-limit.ts';
import { createLogger } from './logger.ts';
import { createRateLimiter, defaultRateLimits, noRateLimits, rateLimitsOf, type RateLimits } from './rate-limiter.ts';
import { openRedis, type Redis } from './redis.ts';
import { windowKey } from './shared-counters.ts';

const log = createLogger({ level: 'silent', destination: { write() {} } });
const limits: RateLimits = { ...defaultRateLimits, read: { limit: 5, windowSeconds: 1 } };
const read = (key: string): Demand => ({ policy: 'read', key });
const times = (count: number, take: () => ReturnType<RateLimiter['take']>) =>
  Promise.all(Array.from({ length: count }, take));
const admitted = (answers: readonly { allowed: boolean }[]) => answers.filter(({ allowed }) => allowed).length;

describe('in memory', () => {
  test('a key is allowed its limit in a window, keys and classes apart', async () => {
    const limiter = createRateLimiter({ limits });
    const answers = await times(8, () => limiter.take([read('user:a')]));
    expect(answers.map(({ allowed }) => allowed)).toEqual([true, true, true, true, true, false, false, false]);
    expect(answers[0]).toEqual({
      allowed: true,
      state: { policy: 'read', limit: 5, windowSeconds: 1, remaining: 4, resetSeconds: 1 },
    });
    expect(answers[7]?.state).toMatchObject({ remaining: 0, resetSeconds: 1 });
    expect((await limiter.take([read('user:b')])).allowed).toBe(true);
    expect((await limiter.take([{ policy: 'write', key: 'user:a' }])).allowed).toBe(true);
    await sleep(1050);
    expect((await limiter.take([read('user:a')])).allowed).toBe(true);
  });

  test('of several limits the tightest is told, and a call that one refuses is counted by none', async () => {
    const limiter = createRateLimiter({
      limits: { ...noRateLimits, read: { limit: 4, windowSeconds: 60 }, tenant: { limit: 5, windowSeconds: 30 } },
    });
    const of = (user: string): Demand[] => [
      read(user),
      { policy: 'address', key: 'x' },
      { policy: 'tenant', key: 't' },
    ];
    expect(await limiter.take(of('a'), 2)).toMatchObject({ allowed: true, state: { policy: 'read', remaining: 2 } });
    expect(await limiter.take(of('b'), 2)).toMatchObject({ allowed: true, state: { policy: 'tenant', remaining: 1 } });
    expect(await limiter.take(of('c'), 2)).toMatchObject({
      allowed: false,
      state: { policy: 'tenant', remaining: 1, resetSeconds: 30 },
    });
    expect(limiter.spent({ policy: 'tenant', key: 't' })).toBeNull();
    expect(await limiter.take(of('c'), 1)).toMatchObject({ allowed: true, state: { policy: 'tenant', remaining: 0 } });
    expect(limiter.spent({ policy: 'tenant', key: 't' })).toMatchObject({ remaining: 0, limit: 5 });
    expect((await limiter.take([read('c')], 3)).state).toMatchObject({ remaining: 0 });
  });

  test('a call that costs more than a whole window takes a whole window', async () => {
    const limiter = createRateLimiter({ limits });
    expect(await limiter.take([read('a')], 100)).toMatchObject({ allowed: true, state: { remaining: 0 } });
    expect((await limiter.take([read('a')])).allowed).toBe(false);
  });

  test('an API key has calls a second of its own, and without limits nothing is counted', async () => {
    const limiter = createRateLimiter({ limits: noRateLimits });
    const demands: Demand[] = [read('key:k'), { policy: 'apiKey', key: 'k', limit: 3 }];
    expect(admitted(await times(5, () => limiter.take(demands)))).toBe(3);
    expect(await limiter.take([read('key:k')])).toEqual({ allowed: true, state: null });
  });

  test('addresses and tenants are given ten users’ worth where nothing is said', () => {
    expect(rateLimitsOf({ write: { limit: 600, windowSeconds: 2 } })).toMatchObject({
      address: { limit: 6000, windowSeconds: 2 },
      tenant: { limit: 6000, windowSeconds: 2 },
    });
    expect(rateLimitsOf({ tenant: { limit: 7, windowSeconds: 1 } }).tenant.limit).toBe(7);
  });

  test('a call costs less than 20 µs of the processor', async () => {
    const wide = { limit: 1e9, windowSeconds: 1 };
    const limiter = createRateLimiter({ limits: { ...limits, read: wide, address: wide, tenant: wide } });
    const calls = 20_000;
    const start = process.cpuUsage();
    for (let i = 0; i < calls; i++)
      await limiter.take([
        read(`user:${i % 100}`),
        { policy: 'address', key: `10.0.0.${i % 100}` },
        { policy: 'tenant', key: 't' },
      ]);
    const { user, system } = process.cpuUsage(start);
    expect((user + system) / calls).toBeLessThan(20);
  });
});

describe.skipIf(!process.env['TEST_REDIS_URL'])('with Redis', () => {
  const open = () => openRedis(process.env['TEST_REDIS_URL'] ?? '', { keyPrefix: 'olympus-test:', log });
  const ready = async (count: number): Promise<Redis[]> => {
    const all = Array.from({ length: count }, open);
    await Promise.all(all.map((redis) => vi.waitFor(() => redis.ping(), 20_000)));
    return all;
  };

  test('replicas count together: exactly the limit is let through, of each policy', async () => {
    const shared: RateLimits = {
      ...noRateLimits,
      read: { limit: 50, windowSeconds: 30 },
      tenant: { limit: 80, windowSeconds: 30 },
    };
    const replicas = await ready(3);
    const limiters = replicas.map((redis) => createRateLimiter({ limits: shared, redis }));
    const id = randomUUID();
    const of = (user: string): Demand[] => [read(`${user}:${id}`), { policy: 'tenant', key: id }];
    let turn = 0;
    const take = (user: string) => limiters[turn++ % 3]!.take(of(user));
    const [a, b] = await Promise.all([times(200, () => take('a')), times(200, () => take('b'))]);
    expect(admitted([...a, ...b])).toBe(80);
    expect(Math.max(admitted(a), admitted(b))).toBeLessThanOrEqual(50);
    for (const limiter of limiters) {
      const later = await limiter.take(of('c'));
      expect(later).toMatchObject({ allowed: false, state: { policy: 'tenant', remaining: 0 } });
      expect(later.state?.resetSeconds).toBeGreaterThan(25);
    }
    await replicas[0]!.client.del([windowKey(`read:a:${id}`), windowKey(`read:b:${id}`), windowKey(`tenant:${id}`)]);
    await Promise.all(replicas.map((redis) => redis.close()));
  });

  test('all limits of a call are one round trip', async () => {
    const [redis] = (await ready(1)) as [Redis];
    const limiter = createRateLimiter({ limits: defaultRateLimits, redis });
    const id = randomUUID();
    const demands: Demand[] = [read(id), { policy: 'address', key: id }, { policy: 'tenant', key: id }];
    // Redis is given the script once.
    await limiter.take(demands);
    const sent = vi.spyOn(redis.client, 'sendCommand');
    await limiter.take(demands);
    expect(sent).toHaveBeenCalledTimes(1);
    await redis.close();
  });

  test('calls of one moment are one round trip, and each is told how its own windows stand', async () => {
    const [redis] = (await ready(1)) as [Redis];
    const wide = { limit: 1000, windowSeconds: 30 };
    const narrow = { ...noRateLimits, read: { limit: 3, windowSeconds: 30 }, tenant: wide };
    const limiter = createRateLimiter({ limits: narrow, redis });
    const id = randomUUID();
    const of = (user: string): Demand[] => [read(`${user}:${id}`), { policy: 'tenant', key: id }];
    await limiter.take(of('c'));
    const sent = vi.spyOn(redis.client, 'sendCommand');
    const costs = [1, 1, 2, 1, 1];
    const [a, b] = await Promise.all([
      Promise.all(costs.map((cost) => limiter.take(of('a'), cost))),
      times(250, () => limiter.take(of('b'))),
    ]);
    // Of 255 calls two hundred are as many as one script is given.
    expect(sent).toHaveBeenCalledTimes(2);
    expect(a.map(({ allowed }) => allowed)).toEqual([true, true, false, true, false]);
    expect(a.map(({ state }) => state?.remaining)).toEqual([2, 1, 1, 0, 0]);
    expect(admitted(b)).toBe(3);
    expect(await redis.client.get(windowKey(`tenant:${id}`))).toBe('7');
    for (const key of [windowKey(`read:a:${id}`), windowKey(`read:b:${id}`), windowKey(`tenant:${id}`)])
      expect(await redis.client.pttl(key)).toBeGreaterThan(25_000);
    await redis.close();
  });

  test('calls gather while Redis is asked, and one that freezes holds none of them up for longer than once', async () => {
    const proxy = await startProxy(process.env['TEST_REDIS_URL'] ?? '');
    const redis = openRedis(proxy.url, { keyPrefix: 'olympus-test:', log });
    await vi.waitFor(() => redis.ping(), 20_000);
    const limiter = createRateLimiter({ limits: { ...noRateLimits, read: { limit: 3, windowSeconds: 30 } }, redis });
    const id = randomUUID();
    const first = await limiter.take([read(id)]);
    expect(first.state?.remaining).toBe(2);
    proxy.freeze();
    const sent = vi.spyOn(redis.client, 'sendCommand');
    const start = performance.now();
    const asked = limiter.take([read(id)]);
    await sleep(200);
    const answers = await Promise.all([asked, ...Array.from({ length: 4 }, () => limiter.take([read(id)]))]);
    expect(performance.now() - start).toBeLessThan(700);
    expect(sent).toHaveBeenCalledTimes(1);
    expect(admitted(answers)).toBe(3);
    await proxy.close();
    await redis.close();
  });

  test('when Redis goes, each replica counts for itself without waiting', async () => {
    const [redis] = (await ready(1)) as [Redis];
    const limiter = createRateLimiter({ limits: { ...limits, read: { limit: 3, windowSeconds: 30 } }, redis });
    const key = randomUUID();
    expect((await limiter.take([read(key)])).state?.remaining).toBe(2);
    await redis.client.del(windowKey(`read:${key}`));
    await redis.close();
    const start = performance.now();
    expect(admitted(await times(5, () => limiter.take([read(key)])))).toBe(3);
    expect(performance.now() - start).toBeLessThan(1000);
  });
});
