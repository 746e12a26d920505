import { isFailure, type Olympus, type OrderEvent, type Tracked } from '@olympus/client';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { addProduct, openStore, password, pathsOf, setUp, until, type Setup } from './support.ts';

let setup: Setup;
beforeAll(async () => {
  setup = await setUp();
});
afterAll(() => setup.close());
afterEach(() => {
  setup.proxy.down = false;
  vi.restoreAllMocks();
});

/** Follows orders into a list of their numbers. */
function follow(api: Olympus) {
  const followed = {
    numbers: [] as string[],
    events: [] as Tracked<OrderEvent>[],
    states: [] as string[],
    errors: [] as unknown[],
    completed: false,
    started: 0,
    stop: () => subscription.unsubscribe(),
  };
  const subscription = api.orders.updates.subscribe(
    {},
    {
      onStarted: () => followed.started++,
      onData: (event) => {
        followed.events.push(event);
        if (event.data.type === 'order.created') followed.numbers.push(event.data.order.number);
      },
      onConnectionStateChange: ({ state }) => followed.states.push(state),
      onError: (error) => followed.errors.push(error),
      onComplete: () => (followed.completed = true),
    },
  );
  return followed;
}

/** Places orders one after another, over REST to the server itself, so that a broken proxy does not hold them up. */
async function orderer(api: Olympus) {
  const direct = setup.stranger({
    url: setup.olympus.url,
    session: { get: () => api.$session(), set: () => undefined },
  });
  const { id: productId } = await addProduct(direct, 1_000);
  return async () => (await direct.orders.create.mutate({ items: [{ productId, quantity: 1 }] })).number;
}

describe.each(['ws', 'sse', 'poll'] as const)('live updates over %s', (subscriptions) => {
  const transport = { subscriptions };
  const path = subscriptions === 'ws' ? '/ws' : 'orders.updates';
  /** Of polls, those that are sent in vain too. */
  const connections = () => pathsOf(setup.proxy).filter((each) => each === path).length;

  test('come as they happen, with their ids', async () => {
    const api = await setup.client({ transport });
    const place = await orderer(api);
    const followed = follow(api);
    await until(() => followed.started === 1);
    const number = await place();
    await until(() => followed.numbers.length > 0);
    expect(followed.numbers).toEqual([number]);
    const [event] = followed.events;
    expect(event?.id).toMatch(/./);
    if (event?.data.type === 'order.created') expect(event.data.order.placedAt).toBeInstanceOf(Date);
    followed.stop();
    expect(followed.errors).toEqual([]);
  });

  test('resume by themselves after cuts: everything once and in order', async () => {
    const api = await setup.client({ transport });
    const place = await orderer(api);
    const followed = follow(api);
    await until(() => followed.started === 1);
    const placed = [await place()];
    await until(() => followed.numbers.length === 1);
    for (let round = 0; round < 3; round++) {
      setup.proxy.down = true;
      setup.proxy.cutAll();
      placed.push(await place(), await place());
      setup.proxy.down = false;
      placed.push(await place());
      await until(() => followed.numbers.length >= placed.length);
    }
    expect(followed.numbers).toEqual(placed);
    expect(followed.errors).toEqual([]);
    expect(followed.states).toContain('connecting');
    expect(followed.states.at(-1)).toBe('pending');
    expect(connections()).toBeGreaterThanOrEqual(4);
    followed.stop();
  });

  test('are iterated, until the loop is left', async () => {
    const api = await setup.client({ transport });
    const place = await orderer(api);
    const seen: string[] = [];
    const updates = api.orders.updates.subscribe({});
    const reading = (async () => {
      for await (const { data } of updates) {
        if (data.type === 'order.created') seen.push(data.order.number);
        if (seen.length === 2) break;
      }
    })();
    await until(() => connections() >= 1);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const placed = [await place(), await place()];
    await reading;
    expect(seen).toEqual(placed);
  });

  test('end with the session, and say why', async () => {
    const api = await setup.client({ transport });
    const followed = follow(api);
    await until(() => followed.started === 1);
    await api.auth.logout.mutate({});
    await until(() => followed.errors.length > 0);
    expect(isFailure(followed.errors[0], 'UNAUTHENTICATED')).toBe(true);
    const before = connections();
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(connections()).toBe(before);
  });

  test('end when the server ends the session', async () => {
    const onSessionEnd = vi.fn();
    const api = await setup.client({ transport, onSessionEnd });
    const followed = follow(api);
    await until(() => followed.started === 1);
    const elsewhere = setup.stranger({ session: { get: () => api.$session(), set: () => undefined } });
    await elsewhere.auth.logout.mutate({});
    await until(() => followed.errors.length > 0);
    expect(isFailure(followed.errors[0], 'UNAUTHENTICATED')).toBe(true);
    expect(onSessionEnd).toHaveBeenCalledTimes(1);
    expect(await api.$session()).toBeNull();
  });

  test('are refused to strangers', async () => {
    const followed = follow(setup.stranger({ transport }));
    await until(() => followed.errors.length > 0);
    expect(isFailure(followed.errors[0], 'UNAUTHENTICATED')).toBe(true);
  });

  test('start once the server is there', async () => {
    const api = await setup.client({ transport });
    const place = await orderer(api);
    setup.proxy.down = true;
    setup.proxy.cutAll();
    const followed = follow(api);
    await new Promise((resolve) => setTimeout(resolve, 300));
    setup.proxy.down = false;
    await until(() => followed.started === 1);
    const number = await place();
    await until(() => followed.numbers.length === 1);
    expect(followed.numbers).toEqual([number]);
    followed.stop();
  });

  test('an export that is cut is not begun anew', async () => {
    const api = await setup.client({ transport });
    const line = (index: number) => `N${Math.floor(index / 200)},S${index % 200},Mug,1,1.00,2010-12-01T08:00:00Z\n`;
    const lines = Array.from({ length: 8_000 }, (_, index) => line(index)).join('');
    await api.orders.import.stream(`number,sku,description,quantity,unitPrice,placedAt\n${lines}`);
    const seen = new Set<string>();
    let count = 0;
    let error: unknown;
    api.orders.export.subscribe(
      {},
      {
        onData: ({ number, sku }) => {
          seen.add(`${number} ${sku}`);
          if (++count === 10) setup.proxy.cutAll();
        },
        onError: (cause) => (error = cause),
        onComplete: () => (error ??= 'completed'),
      },
    );
    await until(() => error !== undefined);
    expect(isFailure(error, 'NETWORK')).toBe(true);
    expect(seen.size).toBe(count);
    expect(count).toBeLessThan(8_000);
  });

  test('$close ends them, and the client goes on', async () => {
    const api = await setup.client({ transport });
    const followed = follow(api);
    await until(() => followed.started === 1);
    api.$close();
    expect(followed.completed).toBe(true);
    const again = follow(api);
    await until(() => again.started === 1);
    again.stop();
  });
});

test('one socket serves all subscriptions', async () => {
  const api = await setup.client();
  const followed = [follow(api), follow(api), follow(api)];
  await until(() => followed.every(({ started }) => started === 1));
  expect(pathsOf(setup.proxy).filter((path) => path === '/ws')).toHaveLength(1);
  for (const each of followed) each.stop();
});

test('another user’s sign-in ends the updates of the first', async () => {
  const api = await setup.client();
  const followed = follow(api);
  await until(() => followed.started === 1);
  const other = await setup.client();
  const account = await other.$session();
  await api.auth.login.mutate({ email: account?.user.email ?? '', password });
  await until(() => followed.errors.length > 0);
  const [place, again] = [await orderer(api), follow(api)];
  await until(() => again.started === 1);
  const number = await place();
  await until(() => again.numbers.length === 1);
  expect(again.numbers).toEqual([number]);
  expect(followed.numbers).toEqual([]);
  again.stop();
});

test('without a WebSocket, updates come by events, and the client says so once', async () => {
  vi.stubGlobal('WebSocket', undefined);
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  const store = openStore();
  await setup.client({ session: store });
  const api = setup.stranger({ session: store, WebSocket: undefined });
  const followed = [follow(api), follow(api)];
  await until(() => followed.every(({ started }) => started === 1));
  expect(warn).toHaveBeenCalledTimes(1);
  expect(warn.mock.calls[0]?.[0]).toContain("import { WebSocket } from 'ws'");
  expect(() => setup.stranger({ WebSocket: undefined, transport: { subscriptions: 'ws' } })).toThrow('ws');
  for (const each of followed) each.stop();
  vi.unstubAllGlobals();
});
