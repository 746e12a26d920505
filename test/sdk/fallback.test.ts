import { isFailure, type OlympusOptions } from '@olympus/client';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startFaultProxy, type FaultProxy } from './fault-proxy.ts';
import { setUp, until, type Setup } from './support.ts';

let setup: Setup;
beforeAll(async () => {
  setup = await setUp();
});
afterAll(() => setup.close());

const stream = 'text/event-stream';
const always = Number.POSITIVE_INFINITY;
const refuseSockets = (proxy: FaultProxy) => proxy.fail('/ws', { cut: 'request' }, always);
const holdStreams = (proxy: FaultProxy) => proxy.fail('updates', { buffered: true }, always, stream);

/** A client behind a proxy of its own, its followed products, and somebody elsewhere who adds some without pause. */
async function begin(prepare: (proxy: FaultProxy) => void, options: Partial<OlympusOptions> = {}) {
  const proxy = await startFaultProxy(setup.olympus.url);
  prepare(proxy);
  const api = await setup.client({ url: proxy.url, ...options });
  const writer = setup.stranger({
    url: setup.olympus.url,
    session: { get: () => api.$session(), set: () => undefined },
  });
  const seen: string[] = [];
  const added: string[] = [];
  const errors: unknown[] = [];
  let started = 0;
  const updates = api.products.updates.subscribe(
    {},
    {
      onStarted: () => started++,
      onData: ({ data }) => data.type === 'product.created' && seen.push(data.product.sku),
      onError: (error) => errors.push(error),
    },
  );
  let writing = true;
  const work = (async () => {
    await until(() => started > 0, 40_000);
    // What is followed from the first item on is all that comes after it.
    await sleep(100);
    const price = { amount: '1.00', currency: 'GBP' };
    for (let index = 0; writing; index++) {
      const { sku } = await writer.products.create.mutate({ sku: `${index}`, name: 'Mug', price });
      added.push(sku);
      await sleep(20);
    }
  })();
  /** By which ways updates were asked for lately. */
  const ways = () => {
    const asked = proxy.seen.filter(({ path }) => path === '/ws' || path === 'products.updates');
    proxy.seen.length = 0;
    return new Set(
      asked.map(({ path, headers }) => (path === '/ws' ? 'ws' : headers.accept?.includes(stream) ? 'sse' : 'poll')),
    );
  };
  return {
    proxy,
    seen,
    ways,
    /** Resolves once something that is added now has come. */
    flows: async (ms = 30_000) => {
      const count = added.length + 2;
      await until(() => seen.length >= count, ms);
    },
    /** Everything that was added came once and in order. */
    end: async () => {
      writing = false;
      await work;
      await until(() => seen.length >= added.length, 40_000);
      await sleep(100);
      updates.unsubscribe();
      api.$close();
      expect(seen).toEqual(added);
      expect(errors).toEqual([]);
      await proxy.close();
    },
  };
}

// They wait together: each has a proxy and a tenant of its own.
describe.concurrent('live updates get through', () => {
  test('where upgrades are refused: by events within moments', async () => {
    const before = performance.now();
    const { flows, ways, end } = await begin(refuseSockets);
    await flows();
    expect(performance.now() - before).toBeLessThan(8_000);
    expect(ways()).toEqual(new Set(['ws', 'sse']));
    await end();
  }, 120_000);

  test('where upgrades hang', async () => {
    const { flows, ways, end } = await begin((proxy) => proxy.fail('/ws', { hang: true }, always));
    await flows();
    expect(ways()).toContain('sse');
    await end();
  }, 120_000);

  test('where upgrades are refused and streams are held back: by polling', async () => {
    const { flows, ways, end } = await begin((proxy) => {
      refuseSockets(proxy);
      holdStreams(proxy);
    });
    await flows();
    expect(ways()).toContain('poll');
    await end();
  }, 120_000);

  test('where streams are cut again and again', async () => {
    const { proxy, flows, ways, end } = await begin((given) => {
      refuseSockets(given);
      given.fail('updates', { cutAfterBytes: 2_000 }, always, stream);
    });
    await flows();
    await until(() => proxy.seen.some(({ headers }) => headers.accept === 'application/json'), 20_000);
    expect(ways()).toContain('poll');
    await end();
  }, 120_000);

  test('down and up again, without a gap or a repetition', async () => {
    const { proxy, flows, ways, end } = await begin(() => undefined);
    await flows();
    expect(ways()).toEqual(new Set(['ws']));
    refuseSockets(proxy);
    proxy.cutAll();
    await flows();
    expect(ways()).toContain('sse');
    holdStreams(proxy);
    proxy.cutAll();
    await flows(40_000);
    expect(ways()).toContain('poll');
    proxy.heal();
    await until(() => proxy.seen.some(({ path }) => path === '/ws'), 60_000);
    await sleep(500);
    ways();
    await flows();
    await sleep(3_000);
    // The socket serves: nobody asks again.
    expect(ways()).toEqual(new Set());
    await end();
  }, 300_000);

  test('not where one way alone was asked for', async () => {
    const proxy = await startFaultProxy(setup.olympus.url);
    holdStreams(proxy);
    const api = await setup.client({ url: proxy.url, transport: { subscriptions: 'sse' } });
    const errors: unknown[] = [];
    let started = false;
    api.products.updates.subscribe({}, { onStarted: () => (started = true), onError: (error) => errors.push(error) });
    await sleep(15_000);
    expect([started, errors]).toEqual([false, []]);
    expect(proxy.seen.every(({ headers }) => headers.accept !== 'application/json')).toBe(true);
    api.$close();
    await proxy.close();
  }, 120_000);
});

test('a client that is refused is told so, by every way', async () => {
  const api = setup.stranger();
  const errors: unknown[] = [];
  api.products.updates.subscribe({}, { onError: (error) => errors.push(error) });
  await until(() => errors.length > 0);
  expect(isFailure(errors[0], 'UNAUTHENTICATED')).toBe(true);
});
