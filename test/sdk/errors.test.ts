import { isFailure, OlympusError, outcome, type FailureOf, type Olympus } from '@olympus/client';
import { afterAll, beforeAll, expect, expectTypeOf, test } from 'vitest';
import { addProduct, pathsOf, setUp, type Setup } from './support.ts';

let setup: Setup;
beforeAll(async () => {
  setup = await setUp();
});
afterAll(() => setup.close());

const caught = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => 'it succeeded',
    (error: unknown) => error,
  );

test('a declared error narrows to its data', async () => {
  const api = await setup.client();
  const product = await addProduct(api, 2);
  const error = await caught(api.orders.create.mutate({ items: [{ productId: product.id, quantity: 5 }] }));
  if (!isFailure(error, 'OUT_OF_STOCK')) throw new Error('not narrowed', { cause: error });
  expect(error.failure.data).toEqual({ productId: product.id, sku: product.sku, requested: 5, available: 2 });
  expectTypeOf(error.failure.data.available).toEqualTypeOf<number>();
  expect(error.failure).toMatchObject({ code: 'OUT_OF_STOCK', status: 409, title: 'Not enough in stock', errors: [] });
  expect(error.failure.requestId).toMatch(/./);
  expect(error.message).toBe(error.failure.detail);
  expect(error).toBeInstanceOf(OlympusError);
  // What tRPC's own tools look for.
  expect(error.data?.failure).toEqual(error.failure);
  expect(error.data?.httpStatus).toBe(409);
  expect(error.cause).toBeInstanceOf(Error);

  expect(isFailure(error)).toBe(true);
  expect(isFailure(error, 'SKU_TAKEN', 'OUT_OF_STOCK')).toBe(true);
  expect(isFailure(error, 'SKU_TAKEN')).toBe(false);
  expect(isFailure(new Error('other'))).toBe(false);
});

test('faults of an input are named by field', async () => {
  const api = await setup.client();
  const error = await caught(api.orders.list.query({ limit: 101, statuss: 'pending' } as object));
  if (!isFailure(error, 'INVALID_INPUT')) throw new Error('not narrowed', { cause: error });
  expect(error.failure.errors.map(({ field }) => field).sort()).toEqual(['limit', 'statuss']);
  expect(error.failure.data.issues).toEqual(error.failure.errors);
  expect(error.failure.errors.find(({ field }) => field === 'statuss')?.nearest).toBe('status');
});

test('an outcome is a value or the failures that the procedure declares', async () => {
  const api = await setup.client();
  const product = await addProduct(api);
  const twice = { sku: product.sku, name: 'Again', price: product.price };
  const refused = await outcome(api.products.create.mutate(twice));
  expect(refused).toMatchObject({ ok: false, failure: { code: 'SKU_TAKEN', data: { sku: product.sku } } });
  if (!refused.ok) {
    expectTypeOf(refused.failure).toEqualTypeOf<FailureOf<Olympus['products']['create']>>();
    expectTypeOf<Extract<typeof refused.failure, { code: 'OUT_OF_STOCK' }>>().toBeNever();
  }
  const found = await outcome(api.products.get.query({ id: product.id }));
  if (!found.ok) throw new Error('it failed');
  expect(found.value).toEqual(product);
});

test('no server is NETWORK, with its cause', async () => {
  const api = setup.stranger({ url: 'http://127.0.0.1:9', retries: 0 });
  const error = await caught(api.auth.login.mutate({ email: 'a@b.test', password: 'x' }));
  if (!isFailure(error, 'NETWORK')) throw new Error('not narrowed', { cause: error });
  expect(error.failure).toMatchObject({ status: 0, data: null, requestId: null });
  expect(error.cause).toBeInstanceOf(TypeError);
});

test('a page of a proxy is NETWORK with its status', async () => {
  const api = await setup.client({ retries: 0 });
  const page = { status: 403, headers: { 'content-type': 'text/html', 'x-request-id': 'edge-1' }, body: '<h1>No</h1>' };
  setup.proxy.fail('auth.me', { answer: page });
  const error = await caught(api.auth.me.query());
  expect(isFailure(error, 'NETWORK') && error.failure).toMatchObject({ status: 403, requestId: 'edge-1' });
});

test('an address that is not the server’s', async () => {
  const api = setup.stranger({ url: `${setup.proxy.url}/elsewhere/` });
  const error = await caught(api.auth.validate.mutate({}));
  expect(isFailure(error) && error.failure).toMatchObject({ code: 'NOT_FOUND', status: 404 });
});

test('a call ends with its time', async () => {
  const api = await setup.client();
  setup.proxy.fail('auth.me', { delayMs: 3_000 });
  const start = Date.now();
  const error = await caught(api.auth.me.query(undefined, { context: { timeoutMs: 200 } }));
  expect(isFailure(error, 'TIMEOUT') && error.message).toContain('200 ms');
  expect(Date.now() - start).toBeLessThan(1_500);
});

test('a call ends when its caller leaves, and others of its batch do not', async () => {
  const api = await setup.client();
  setup.proxy.fail('auth.me', { delayMs: 500 });
  const controller = new AbortController();
  const left = caught(api.auth.me.query(undefined, { signal: controller.signal }));
  const stayed = api.orders.list.query({});
  setTimeout(() => controller.abort(), 100);
  expect(isFailure(await left, 'ABORTED')).toBe(true);
  expect((await stayed).items).toEqual([]);
  expect(pathsOf(setup.proxy)).toEqual(['auth.me,orders.list']);

  const gone = await caught(api.auth.me.query(undefined, { signal: AbortSignal.abort() }));
  expect(isFailure(gone, 'ABORTED')).toBe(true);
  expect(pathsOf(setup.proxy)).toHaveLength(1);
});

test('a caller who leaves ends the wait for a retry', async () => {
  const api = await setup.client();
  setup.proxy.fail('auth.me', { answer: { status: 503, headers: { 'retry-after': '20' } } });
  const controller = new AbortController();
  const call = caught(api.auth.me.query(undefined, { signal: controller.signal }));
  setTimeout(() => controller.abort(), 200);
  expect(isFailure(await call, 'ABORTED')).toBe(true);
});

test('what is no method says so', () => {
  const api = setup.stranger() as unknown as { orders: { list: { fetch(): void } } };
  expect(() => api.orders.list.fetch()).toThrow('orders.list.fetch is not a method');
});

test('headers of the application go with every request', async () => {
  const api = await setup.client({ headers: async () => ({ 'x-request-id': 'till-7' }) });
  setup.proxy.seen.length = 0;
  const page = await api.orders.list.query({});
  expect(page.items).toEqual([]);
  const { headers } = setup.proxy.seen[0] ?? {};
  expect(headers?.['x-request-id']).toBe('till-7');
  expect(headers?.authorization).toMatch(/^Bearer /);
});
