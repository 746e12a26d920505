import { expect, test } from 'vitest';
import { begun } from './begun.ts';

test('a stream is opened at once, and is there before its first item', async () => {
  const log: string[] = [];
  let send: (item: string) => void = () => undefined;
  const items = await begun(async function* (onBegun) {
    log.push('opened');
    onBegun();
    yield await new Promise<string>((resolve) => (send = resolve));
    yield 'second';
  });
  expect(log).toEqual(['opened']);
  send('first');
  const seen: string[] = [];
  for await (const item of items) seen.push(item);
  expect(seen).toEqual(['first', 'second']);
});

test('an error of the opening is the reader’s', async () => {
  // oxlint-disable-next-line require-yield -- it fails before there is anything.
  const items = await begun<string>(async function* () {
    throw new Error('refused');
  });
  await expect(items.next()).rejects.toThrow('refused');
});

test('a reader who leaves ends the stream', async () => {
  let ended = false;
  const items = await begun(async function* (onBegun) {
    onBegun();
    try {
      for (;;) yield 1;
    } finally {
      ended = true;
    }
  });
  for await (const _ of items) break;
  expect(ended).toBe(true);
});
