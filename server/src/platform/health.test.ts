import { describe, expect, it } from 'vitest';
import { createHealth } from './health.ts';
import type { LifecycleState } from './lifecycle.ts';

describe('health', () => {
  function setUp() {
    const world = {
      state: 'ready' as LifecycleState,
      database: async (): Promise<void> => {},
      redis: async (): Promise<void> => {},
      relay: { role: 'leader', healthy: true },
      pings: 0,
    };
    const health = createHealth({
      database: { kind: 'postgres', ping: () => (world.pings++, world.database()) },
      redis: { ping: () => world.redis() },
      relay: { status: () => world.relay },
      lifecycle: {
        get state() {
          return world.state;
        },
      },
    });
    return { world, health };
  }
  const down = () => Promise.reject(new Error('secret://password@host'));

  it('is ready only between start and drain, and names what it depends on', async () => {
    const { world, health } = setUp();
    const up = { status: 'up', latencyMs: expect.any(Number) };
    expect(await health.ready()).toEqual({
      ok: true,
      body: {
        status: 'ready',
        state: 'ready',
        dependencies: {
          database: { ...up, kind: 'postgres' },
          redis: up,
          relay: { role: 'leader', healthy: true },
        },
      },
    });
    for (const state of ['starting', 'draining', 'stopped'] as const) {
      world.state = state;
      expect(await health.ready()).toMatchObject({ ok: false, body: { status: 'not ready', state } });
      expect(health.live().ok).toBe(true);
    }
  });

  it('is not ready without the database, within a second, whether that refuses or says nothing', async () => {
    for (const database of [down, () => new Promise<void>(() => {})]) {
      const { world, health } = setUp();
      world.database = database;
      const begin = performance.now();
      const report = await health.ready();
      expect(performance.now() - begin).toBeLessThan(1000);
      expect(report).toMatchObject({ ok: false, body: { dependencies: { database: { status: 'down' } } } });
      expect(JSON.stringify(await health.overall())).not.toContain('secret');
      expect((await health.overall()).body).toMatchObject({ status: 'down' });
    }
  });

  it('stays ready without Redis or the relay, and says that it is not whole', async () => {
    const { world, health } = setUp();
    world.redis = down;
    expect(await health.ready()).toMatchObject({ ok: true, body: { dependencies: { redis: { status: 'down' } } } });
    expect(await health.overall()).toMatchObject({ ok: true, body: { status: 'degraded' } });
    world.redis = async () => {};
    expect(await health.overall()).toMatchObject({ body: { status: 'ok' } });
    world.relay = { role: 'standby', healthy: false };
    expect(await health.overall()).toMatchObject({ ok: true, body: { status: 'degraded' } });
    expect(await health.ready()).toMatchObject({ ok: true });
  });

  it('asks once for all who ask together', async () => {
    const { world, health } = setUp();
    await Promise.all(Array.from({ length: 50 }, () => health.ready()));
    expect(world.pings).toBe(1);
    await health.ready();
    expect(world.pings).toBe(2);
  });
});
