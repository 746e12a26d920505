import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { createLogger } from './logger.ts';
import { createRateLimiter, defaultRateLimits, type RateLimits } from './rate-limiter.ts';
import { openRedis } from './redis.ts';

const log = createLogger({ level: 'silent', destination: { write() {} } });
const limits: RateLimits = { ...defaultRateLimits, read: { limit: 5, windowSeconds: 1 } };

describe('in memory', () => {
  test('a key is allowed its limit in a window, keys and classes apart', async () => {
    const limiter = createRateLimiter({ limits });
    const answers = await Promise.all(Array.from({ length: 8 }, () => limiter.take('read', 'user:a')));
    expect(answers.map(({ allowed }) => allowed)).toEqual([true, true, true, true, true, false, false, false]);
    expect(answers[0]).toEqual({
      allowed: true,
      policy: 'read',
      limit: 5,
      windowSeconds: 1,
      remaining: 4,
      resetSeconds: 1,
    });
    expect(answers[7]).toMatchObject({ remaining: 0, resetSeconds: 1 });
    expect((await limiter.take('read', 'user:b')).allowed).toBe(true);
    expect((await limiter.take('write', 'user:a')).allowed).toBe(true);
    await sleep(1050);
    expect((await limiter.take('read', 'user:a')).allowed).toBe(true);
  });

  test('a call costs less than 20 µs of the processor', async () => {
    const limiter = createRateLimiter({ limits: { ...limits, read: { limit: 1e9, windowSeconds: 1 } } });
    const calls = 20_000;
    const start = process.cpuUsage();
    for (let i = 0; i < calls; i++) await limiter.take('read', `user:${i % 100}`);
    const { user, system } = process.cpuUsage(start);
    expect((user + system) / calls).toBeLessThan(20);
  });
});

describe.skipIf(!process.env['TEST_REDIS_URL'])('with Redis', () => {
  const open = () => openRedis(process.env['TEST_REDIS_URL'] ?? '', { keyPrefix: 'olympus-test:', log });

  test('replicas count together: exactly the limit is let through', async () => {
    const shared = { ...limits, read: { limit: 50, windowSeconds: 30 } };
    const replicas = [open(), open(), open()];
    await Promise.all(replicas.map((redis) => vi.waitFor(() => redis.ping())));
    const limiters = replicas.map((redis) => createRateLimiter({ limits: shared, redis }));
    const key = `user:${randomUUID()}`;
    const answers = await Promise.all(Array.from({ length: 300 }, (_, i) => limiters[i % 3]!.take('read', key)));
    expect(answers.filter(({ allowed }) => allowed)).toHaveLength(50);
    for (const limiter of limiters) {
      const later = await limiter.take('read', key);
      expect(later).toMatchObject({ allowed: false, remaining: 0 });
      expect(later.resetSeconds).toBeGreaterThan(25);
    }
    await replicas[0]!.client.del(`rate:read:${key}`);
    await Promise.all(replicas.map((redis) => redis.close()));
  });

  test('when Redis goes, each replica counts for itself without waiting', async () => {
    const redis = open();
    await vi.waitFor(() => redis.ping());
    const limiter = createRateLimiter({ limits: { ...limits, read: { limit: 3, windowSeconds: 30 } }, redis });
    const key = `user:${randomUUID()}`;
    expect((await limiter.take('read', key)).remaining).toBe(2);
    await redis.client.del(`rate:read:${key}`);
    await redis.close();
    const start = performance.now();
    const answers = await Promise.all(Array.from({ length: 5 }, () => limiter.take('read', key)));
    expect(answers.map(({ allowed }) => allowed)).toEqual([true, true, true, false, false]);
    expect(performance.now() - start).toBeLessThan(1000);
  });
});
