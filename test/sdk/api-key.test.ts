import { createOlympus, isFailure, type Olympus, type OlympusError } from '@olympus/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addProduct, pathsOf, setUp, until, type Setup } from './support.ts';

let setup: Setup;
let owner: Olympus;
let productId: string;
beforeAll(async () => {
  setup = await setUp();
  owner = await setup.client();
  productId = (await addProduct(owner, 1_000)).id;
});
afterAll(() => setup.close());

const issue = async (...scopes: ('orders:read' | 'products:read')[]) => {
  const { apiKey, secret: key } = await owner.apiKeys.create.mutate({ name: 'A till', scopes });
  return { id: apiKey.id, key };
};
const place = async () => (await owner.orders.create.mutate({ items: [{ productId, quantity: 1 }] })).number;

function follow(api: Olympus) {
  const followed = {
    numbers: [] as string[],
    errors: [] as OlympusError[],
    started: 0,
    stop: () => subscription.unsubscribe(),
  };
  const subscription = api.orders.updates.subscribe(
    {},
    {
      onStarted: () => followed.started++,
      onData: ({ data }) => data.type === 'order.created' && followed.numbers.push(data.order.number),
      onError: (error) => followed.errors.push(error as OlympusError),
    },
  );
  return followed;
}
const refusal = async (call: Promise<unknown>): Promise<OlympusError> => {
  const error = await call.then(
    () => null,
    (cause: unknown) => cause,
  );
  if (!isFailure(error)) throw new Error('it was not refused');
  return error;
};
const text = 'The API key was refused: it is unknown, revoked or expired';

test('a client with a key calls by it, and signs in or out as nobody', async () => {
  const { key, id } = await issue('orders:read');
  const api = setup.stranger({ apiKey: key });
  expect((await api.auth.me.query()).apiKey).toMatchObject({ id });
  expect(await api.$session()).toBeNull();
  expect((await refusal(api.products.list.query({}))).failure.code).toBe('FORBIDDEN');
  expect(() =>
    createOlympus({ url: setup.proxy.url, apiKey: key, session: { get: () => null, set: () => undefined } }),
  ).toThrow('A client has an `apiKey` or a `session`, not both');
});

test('a function tells a rotated key, which the next call takes up', async () => {
  const [first, second] = [await issue('orders:read'), await issue('orders:read')];
  let key = first.key;
  const api = setup.stranger({ apiKey: async () => key });
  expect((await api.auth.me.query()).apiKey?.id).toBe(first.id);
  await owner.apiKeys.revoke.mutate({ id: first.id });
  await expect.poll(async () => (await refusal(api.auth.me.query())).failure.detail).toBe(text);
  key = second.key;
  expect((await api.auth.me.query()).apiKey?.id).toBe(second.id);
});

describe.each(['ws', 'sse'] as const)('live updates by a key over %s', (subscriptions) => {
  const transport = { subscriptions };
  const path = subscriptions === 'ws' ? '/ws' : 'orders.updates';
  const connections = () => pathsOf(setup.proxy).filter((each) => each === path).length;

  test('come, and resume after a cut', async () => {
    const api = setup.stranger({ apiKey: (await issue('orders:read')).key, transport });
    const followed = follow(api);
    await until(() => followed.started === 1);
    const placed = [await place()];
    await until(() => followed.numbers.length === 1);
    setup.proxy.cutAll();
    placed.push(await place());
    await until(() => followed.numbers.length === 2);
    expect(followed).toMatchObject({ numbers: placed, errors: [] });
    followed.stop();
  });

  test('end with a clear error when the key is revoked, and nothing tries again', async () => {
    const { key, id } = await issue('orders:read');
    const ended: OlympusError[] = [];
    const api = setup.stranger({ apiKey: key, transport, onSessionEnd: (error) => ended.push(error) });
    const [one, other] = [follow(api), follow(api)];
    await until(() => one.started === 1 && other.started === 1);
    await owner.apiKeys.revoke.mutate({ id });
    await until(() => one.errors.length + other.errors.length === 2);
    for (const { errors } of [one, other])
      expect(errors.map(({ failure }) => [failure.code, failure.detail])).toEqual([['UNAUTHENTICATED', text]]);
    expect(ended).toHaveLength(1);
    const before = connections();
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect(connections()).toBe(before);
    const late = follow(api);
    await until(() => late.errors.length === 1);
    expect(late.errors[0]?.failure.detail).toBe(text);
    expect(ended).toHaveLength(1);
  });

  test('that were never allowed end at once', async () => {
    const followed = follow(setup.stranger({ apiKey: `olk_${'x'.repeat(56)}`, transport }));
    await until(() => followed.errors.length === 1);
    expect(followed.errors[0]?.failure).toMatchObject({ code: 'UNAUTHENTICATED', detail: text });
  });

  test('go on where the key may do more than before', async () => {
    const { key, id } = await issue('orders:read');
    const followed = follow(setup.stranger({ apiKey: key, transport }));
    await until(() => followed.started === 1);
    await owner.apiKeys.update.mutate({ id, scopes: ['orders:read', 'products:read'] });
    await until(() => followed.started === 2);
    const number = await place();
    await until(() => followed.numbers.length === 1);
    expect(followed).toMatchObject({ numbers: [number], errors: [] });
    followed.stop();
  });
});
