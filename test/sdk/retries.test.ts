import { isFailure } from '@olympus/client';
import { httpBatchStreamLink } from '@trpc/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addProduct, pathsOf, setUp, type Setup } from './support.ts';

let setup: Setup;
beforeAll(async () => {
  setup = await setUp();
});
afterAll(() => setup.close());

const keysSeen = () => setup.proxy.seen.map(({ headers }) => headers['idempotency-key']);

test('calls of one tick share a request; a mutation’s key is its own', async () => {
  const api = await setup.client();
  await Promise.all([api.auth.me.query(), api.orders.list.query({}), api.products.list.query({})]);
  expect(pathsOf(setup.proxy)).toEqual(['auth.me,orders.list,products.list']);
  expect(keysSeen()).toEqual([undefined]);

  setup.proxy.seen.length = 0;
  const location = (name: string) => api.locations.create.mutate({ name });
  await Promise.all([location('A'), api.auth.validate.mutate({}), location('B')]);
  const [path, key] = [pathsOf(setup.proxy)[0], keysSeen()[0]];
  expect(path).toBe('locations.create,auth.validate,locations.create');
  expect(key).toMatch(/^[0-9a-f]{32},,[0-9a-f]{32}$/);
  const [first, , third] = String(key).split(',');
  expect(first).not.toBe(third);
});

test('a batch may be streamed: each answer as it is ready, each failure its own', async () => {
  const api = await setup.client({ batch: { link: httpBatchStreamLink } });
  const id = '01890a5d-ac96-774b-bcce-b302099a8057';
  const [me, missing] = await Promise.allSettled([api.auth.me.query(), api.orders.get.query({ id })]);
  expect(me.status === 'fulfilled' && me.value.user.createdAt).toBeInstanceOf(Date);
  expect(missing.status === 'rejected' && isFailure(missing.reason, 'ORDER_NOT_FOUND')).toBe(true);
  expect(setup.proxy.seen[0]?.headers['trpc-accept']).toBe('application/jsonl');
  expect((await api.locations.create.mutate({ name: 'Streamed' })).name).toBe('Streamed');
  expect(keysSeen()[1]).toMatch(/^[0-9a-f]{32}$/);
});

test('a mutation whose answer was lost has one effect', async () => {
  const api = await setup.client();
  const { id: productId } = await addProduct(api, 10);
  setup.proxy.seen.length = 0;
  setup.proxy.fail('orders.create', { cut: 'answer' }, 2);
  const order = await api.orders.create.mutate({ items: [{ productId, quantity: 3 }] });
  expect(pathsOf(setup.proxy)).toEqual(['orders.create', 'orders.create', 'orders.create']);
  expect(new Set(keysSeen()).size).toBe(1);
  expect((await api.orders.list.query({ withTotal: true })).totalCount).toBe(1);
  expect(order.items[0]?.quantity).toBe(3);
  expect((await api.products.get.query({ id: productId })).stock).toBe(7);
});

test('a retry that finds its first try still at work waits for the answer', async () => {
  const api = await setup.client();
  const inProgress = {
    error: {
      json: {
        message: 'running',
        code: -32009,
        data: {
          code: 'CONFLICT',
          httpStatus: 409,
          failure: {
            code: 'IDEMPOTENCY_IN_PROGRESS',
            status: 409,
            title: 'running',
            detail: 'running',
            data: null,
            errors: [],
            requestId: 'r',
          },
        },
      },
    },
  };
  const body = JSON.stringify([inProgress]);
  const answer = { status: 409, headers: { 'content-type': 'application/json' }, body };
  setup.proxy.fail('locations.create', { cut: 'answer' });
  setup.proxy.fail('locations.create', { answer });
  expect((await api.locations.create.mutate({ name: 'Late' })).name).toBe('Late');

  // Alone, it is what a caller who reuses a key is told.
  setup.proxy.fail('locations.create', { answer });
  await expect(api.locations.create.mutate({ name: 'Now' })).rejects.toMatchObject({
    failure: { code: 'IDEMPOTENCY_IN_PROGRESS' },
  });
});

test.each([
  ['a cut', { cut: 'request' }],
  ['a 502 of a proxy', { answer: { status: 502, headers: { 'content-type': 'text/html' }, body: '<h1>Bad</h1>' } }],
  ['a 504 of a proxy', { answer: { status: 504 } }],
  ['an answer cut short', { cutAfterBytes: 20 }],
] as const)('%s is tried again', async (_, fault) => {
  const api = await setup.client();
  setup.proxy.fail('auth.me', fault);
  await api.auth.me.query();
  expect(pathsOf(setup.proxy)).toEqual(['auth.me', 'auth.me']);
});

test('Retry-After is waited for, in seconds or as a date', async () => {
  const api = await setup.client();
  setup.proxy.fail('auth.me', { answer: { status: 503, headers: { 'retry-after': '1' } } });
  let start = Date.now();
  await api.auth.me.query();
  expect(Date.now() - start).toBeGreaterThanOrEqual(1_000);

  const date = new Date(Date.now() + 2_000).toUTCString();
  setup.proxy.fail('auth.me', { answer: { status: 429, headers: { 'retry-after': date } } });
  start = Date.now();
  await api.auth.me.query();
  expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(date));
});

test('a wait that the call has no time for is not begun', async () => {
  const api = await setup.client({ timeoutMs: 2_000 });
  setup.proxy.fail('auth.me', { answer: { status: 503, headers: { 'retry-after': '60' } } });
  const start = Date.now();
  const error: unknown = await api.auth.me.query().catch((cause: unknown) => cause);
  expect(isFailure(error, 'NETWORK') && error.retryAfter).toBe(60);
  expect(Date.now() - start).toBeLessThan(1_000);
});

test('retries are bounded, and may be fewer for a call', async () => {
  const api = await setup.client({ retries: 2 });
  setup.proxy.fail('auth.me', { cut: 'request' }, 3);
  await expect(api.auth.me.query()).rejects.toMatchObject({ failure: { code: 'NETWORK', status: 0 } });
  expect(pathsOf(setup.proxy)).toHaveLength(3);
  setup.proxy.fail('auth.me', { cut: 'request' });
  await expect(api.auth.me.query(undefined, { context: { retries: 0 } })).rejects.toThrow('fetch failed');
  expect(pathsOf(setup.proxy)).toHaveLength(4);
});

test('declared errors are not tried again', async () => {
  const api = await setup.client();
  const id = '01890a5d-ac96-774b-bcce-b302099a8057';
  await expect(api.orders.cancel.mutate({ id })).rejects.toMatchObject({ failure: { code: 'ORDER_NOT_FOUND' } });
  expect(pathsOf(setup.proxy)).toEqual(['orders.cancel']);
});

test('what the server keeps no key for is not tried again', async () => {
  const api = await setup.client();
  setup.proxy.fail('auth.', { cut: 'answer' });
  await expect(api.auth.validate.mutate({})).rejects.toMatchObject({ failure: { code: 'NETWORK' } });
  setup.proxy.fail('orders.import', { cut: 'answer' });
  await expect(api.orders.import.mutate({ content: 'number\n' })).rejects.toMatchObject({
    failure: { code: 'NETWORK' },
  });
  expect(pathsOf(setup.proxy)).toEqual(['auth.validate', 'orders.import']);
  expect(keysSeen()).toEqual([undefined, undefined]);
});

test('a key of one’s own is sent as it is', async () => {
  const api = await setup.client();
  const context = { idempotencyKey: 'till-7-receipt-1' };
  const first = await api.locations.create.mutate({ name: 'Till' }, { context });
  expect(await api.locations.create.mutate({ name: 'Till' }, { context })).toEqual(first);
  expect(keysSeen()).toEqual(['till-7-receipt-1', 'till-7-receipt-1']);
  const used = api.locations.create.mutate({ name: 'Other' }, { context });
  await expect(used).rejects.toMatchObject({ failure: { code: 'IDEMPOTENCY_KEY_REUSED' } });
});
