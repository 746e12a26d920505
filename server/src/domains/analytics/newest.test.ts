import { expect, it } from 'vitest';
import { newestOf } from './newest.ts';

const soon = () => new Promise((resolve) => setImmediate(resolve));

it('keeps what came last, gives it once, and says when no more will come', async () => {
  let more = () => {};
  const newest = newestOf(
    (async function* () {
      yield* [1, 2, 3];
      await new Promise<void>((resolve) => (more = resolve));
      yield 4;
    })(),
  );
  await newest.changed(60_000);
  await soon();
  expect([newest.take(), newest.take(), newest.ended]).toEqual([3, undefined, false]);
  await newest.changed(5);
  expect(newest.take()).toBe(undefined);
  const changed = newest.changed(60_000);
  more();
  await changed;
  await newest.end;
  expect([newest.take(), newest.ended]).toEqual([4, true]);
  await newest.changed(60_000);
});

it('fails as its source has, after what came before', async () => {
  const newest = newestOf(
    (async function* () {
      yield 1;
      await soon();
      throw new Error('the source is broken');
    })(),
  );
  await newest.end;
  await newest.changed(60_000);
  expect(newest.take()).toBe(1);
  await expect(newest.changed(60_000)).rejects.toThrow('the source is broken');
});
