import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { createQueryCache } from './query-cache.ts';

const entry = { tenantId: 'a', key: 'analytics.summary:{}', tags: ['orders', 'products'], ttlSeconds: 60 };
const counting = () => {
  let n = 0;
  return vi.fn(async () => ({ n: ++n }));
};
function gate<T>() {
  let open!: (value: T) => void;
  let shut!: (cause: unknown) => void;
  const promise = new Promise<T>((resolve, reject) => ([open, shut] = [resolve, reject]));
  return { promise, open, shut };
}

test('an answer is kept for its tenant and key until its time is over', async () => {
  const cache = createQueryCache();
  const compute = counting();
  expect(await cache.through({ ...entry, ttlSeconds: 0.5 }, compute)).toEqual({ n: 1 });
  expect(await cache.through(entry, compute)).toEqual({ n: 1 });
  expect(await cache.through({ ...entry, tenantId: 'b' }, compute)).toEqual({ n: 2 });
  expect(await cache.through({ ...entry, key: 'other' }, compute)).toEqual({ n: 3 });
  await sleep(550);
  expect(await cache.through(entry, compute)).toEqual({ n: 4 });
});

test('callers at once share one computation', async () => {
  const cache = createQueryCache();
  const compute = counting();
  const answers = await Promise.all(Array.from({ length: 50 }, () => cache.through(entry, compute)));
  expect(compute).toHaveBeenCalledTimes(1);
  expect(new Set(answers).size).toBe(1);
});

test('a drop forgets its tenant and tag, and tells of itself', async () => {
  const onDrop = vi.fn();
  const cache = createQueryCache({ onDrop });
  const compute = counting();
  const other = counting();
  await cache.through(entry, compute);
  await cache.through({ ...entry, tenantId: 'b' }, other);
  cache.drop('a', ['customers']);
  await cache.through(entry, compute);
  expect(compute).toHaveBeenCalledTimes(1);
  cache.drop('a', new Set(['products']));
  expect(await cache.through(entry, compute)).toEqual({ n: 2 });
  await cache.through({ ...entry, tenantId: 'b' }, other);
  expect(other).toHaveBeenCalledTimes(1);
  cache.drop('a', []);
  cache.dropLocally('a', ['orders']);
  expect(await cache.through(entry, compute)).toEqual({ n: 3 });
  expect(onDrop.mock.calls).toEqual([
    ['a', ['customers']],
    ['a', ['products']],
  ]);
});

test('an answer computed before a drop is neither kept nor shared after it', async () => {
  const cache = createQueryCache();
  const early = gate<string>();
  const first = cache.through(entry, () => early.promise);
  cache.drop('a', ['orders']);
  const late = gate<string>();
  const second = cache.through(entry, () => late.promise);
  early.open('before');
  expect(await first).toBe('before');
  late.open('after');
  expect(await second).toBe('after');
  expect(await cache.through(entry, () => Promise.resolve('not asked'))).toBe('after');
});

test('a failed computation is not kept, and a caller who left takes nobody along', async () => {
  const cache = createQueryCache();
  await expect(cache.through(entry, () => Promise.reject(new Error('down')))).rejects.toThrow('down');
  const left = gate<string>();
  const first = cache.through(entry, () => left.promise);
  const second = cache.through(entry, () => Promise.resolve('mine'));
  left.shut(Object.assign(new Error('left'), { code: 'CANCELLED' }));
  await expect(first).rejects.toThrow('left');
  expect(await second).toBe('mine');
});

test('drops stay known when there are more of them than may be remembered', async () => {
  const cache = createQueryCache({ maxEntries: 2 });
  const early = gate<string>();
  const first = cache.through(entry, () => early.promise);
  cache.drop('a', ['orders']);
  for (const tenant of ['b', 'c', 'd']) cache.drop(tenant, ['orders']);
  early.open('before');
  await first;
  expect(await cache.through(entry, () => Promise.resolve('after'))).toBe('after');
});

test('space is bounded, and what is shared cannot be changed', async () => {
  const cache = createQueryCache({ maxEntries: 1000, maxSize: 1000 });
  const compute = vi.fn(async () => ({ text: 'x'.repeat(200) }));
  for (let i = 0; i < 10; i++) await cache.through({ ...entry, key: `k${i}` }, compute);
  await cache.through({ ...entry, key: 'k9' }, compute);
  await cache.through({ ...entry, key: 'k0' }, compute);
  expect(compute).toHaveBeenCalledTimes(11);
  const answer = (await cache.through({ ...entry, key: 'k0' }, compute)) as { text: string };
  expect(() => (answer.text = 'changed')).toThrow(TypeError);
});
