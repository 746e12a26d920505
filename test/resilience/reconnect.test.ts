import { createOlympus, type Olympus } from '@olympus/client';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createStore, registerTenant, rest, type Store } from '../harness.ts';
import { olympus, type Served } from '../processes.ts';
import { startBalancer, type Balancer } from './balancer.ts';

const { TEST_DATABASE_URL } = process.env;
const count = 2_000;
const limits = {
  RATE_LIMITS: 'read=100000/1,write=100000/1,stream=100000/1,address=100000/1,tenant=100000/1',
  OLYMPUS_MAX_STREAMS_PER_USER: '10000',
  DATABASE_POOL_SIZE: '10',
};

// Replicas need a database of their own process.
describe.skipIf(!TEST_DATABASE_URL)(`${count} clients that lose their server together`, () => {
  let store: Store;
  let serving: Served;
  let balancer: Balancer;
  let owner: Awaited<ReturnType<typeof registerTenant>>;
  const clients: Olympus[] = [];
  const seen: string[][] = [];
  const errors: unknown[] = [];
  const added: string[] = [];

  beforeAll(async () => {
    store = await createStore();
    serving = await start();
    balancer = await startBalancer(serving.url);
    owner = await registerTenant(serving.url);
    for (let index = 0; index < count; index += 100)
      await Promise.all(Array.from({ length: 100 }, (_, more) => follow(index + more)));
    // They are told within a second over which time to come back.
    await sleep(1500);
  }, 240_000);
  afterAll(async () => {
    for (const client of clients) client.$close();
    await balancer?.close();
    await serving?.stop();
    await store?.remove();
  }, 120_000);

  const start = () => olympus({ ...store.env, ...limits });

  function follow(index: number): Promise<void> {
    const session = { get: () => owner, set: () => undefined };
    const api = createOlympus({ url: balancer.url, session, WebSocket });
    clients.push(api);
    const mine: string[] = (seen[index] = []);
    return new Promise((resolve) => {
      api.products.updates.subscribe(
        {},
        {
          onStarted: () => resolve(),
          onData: ({ data }) => data.type === 'product.created' && mine.push(data.product.sku),
          onError: (error) => errors.push(error),
        },
      );
    });
  }
  async function add(): Promise<void> {
    const body = { sku: `P${added.length}`, name: 'Mug', price: { amount: '1', currency: 'GBP' } };
    const { accessToken: token } = owner;
    const { status } = await rest(balancer.target, { method: 'POST', path: '/products', token, body });
    expect(status).toBe(201);
    added.push(body.sku);
  }

  /** Adds some while they move, and says how they came. */
  async function moved(gone: () => boolean) {
    const isThere = () => balancer.taken.filter(({ status }) => status === 101).length >= count;
    for (const end = performance.now() + 60_000; (!isThere() || !gone()) && performance.now() < end; await sleep(500))
      await add();
    await add();
    await expect.poll(() => seen.filter((each) => each.length < added.length).length, { timeout: 20_000 }).toBe(0);
    const times = balancer.taken.map(({ at }) => at).sort((a, b) => a - b);
    const inSeconds = times.map((at) => Math.floor((at - (times[0] ?? 0)) / 1000));
    const perSecond = Math.max(...inSeconds.map((second) => inSeconds.filter((other) => other === second).length));
    return {
      spreadMs: (times.at(-1) ?? 0) - (times[0] ?? 0),
      perSecond,
      connections: times.length,
      failed: balancer.taken.filter(({ status }) => status >= 500).length,
    };
  }
  const check = ({ spreadMs, perSecond, connections, failed }: Awaited<ReturnType<typeof moved>>) => {
    console.info(`${connections} connections over ${(spreadMs / 1000).toFixed(1)} s, ${perSecond} in a second at most`);
    expect(failed).toBe(0);
    expect(spreadMs).toBeGreaterThan(10_000);
    // Evenly, it would be a tenth and less; this process stands still now and then, with two thousand clients in it.
    expect(perSecond).toBeLessThan(count / 2);
    expect(errors).toEqual([]);
    for (const each of seen) expect(each).toEqual(added);
  };

  it('since it drains, leave it one after another, and miss nothing', async () => {
    const next = await start();
    balancer.target = next.url;
    balancer.taken.length = 0;
    let code: unknown;
    const stopped = serving.stop().then((ended) => (code = ended));
    const how = await moved(() => code !== undefined);
    await stopped;
    serving = next;
    expect(code).toBe(0);
    check(how);
    expect(how.connections).toBe(count);
  }, 240_000);

  it('since it is killed, come back spread as it had told them, and miss nothing', async () => {
    await sleep(1500);
    const next = await start();
    balancer.target = next.url;
    balancer.taken.length = 0;
    await serving.stop('SIGKILL');
    serving = next;
    check(await moved(() => true));
  }, 240_000);
});
