import { describe, expect, it } from 'vitest';
import { flow, flowTo, watchItems, type Flowing, type Take } from './items.ts';

/** A stream that hands over what is pushed, until its end. */
function pushed() {
  let take: Take<number> | undefined;
  let settle: { resolve: () => void; reject: (cause: Error) => void } | undefined;
  const items: Flowing<number> = {
    [flow]: (given) => {
      take = given;
      return new Promise((resolve, reject) => (settle = { resolve, reject }));
    },
    [Symbol.asyncIterator]: () => expect.fail('is not to be pulled'),
  };
  return {
    items,
    push: (...batch: number[]) => void take?.(batch),
    end: () => settle?.resolve(),
    fail: (cause: Error) => settle?.reject(cause),
  };
}
const double = (item: unknown) => (item as number) * 2;

async function* counted(to: number) {
  for (let item = 1; item <= to; item++) {
    await Promise.resolve();
    yield item;
  }
}

describe('a watched stream', () => {
  it('that flows is changed batch by batch on its way, and tells once of its end', async () => {
    const source = pushed();
    const ends: unknown[] = [];
    const given: unknown[] = [];
    const watched = watchItems(watchItems(source.items, { map: double }), {
      mapBatch: (batch) => batch.map((item) => (item as number) + 1),
      onEnd: (fault) => ends.push(fault),
    });
    const over = flowTo(watched, new AbortController().signal, (batch) => void given.push(batch));
    source.push(1, 2);
    source.push(3);
    expect(given).toEqual([[3, 5], [7]]);
    source.end();
    await over;
    expect(ends).toEqual([null]);
  });

  it('that fails while it flows says so to all who watch', async () => {
    const source = pushed();
    const ends: unknown[] = [];
    const watch = { onEnd: (fault: unknown) => ends.push(fault) };
    const over = flowTo(
      watchItems(watchItems(source.items, watch), watch),
      new AbortController().signal,
      () => undefined,
    );
    const cause = new Error('gone');
    source.fail(cause);
    await expect(over).rejects.toBe(cause);
    expect(ends).toEqual([{ cause }, { cause }]);
  });

  it('that is asked for items does not flow, and each is changed', async () => {
    const watched = watchItems(counted(3), { map: double });
    expect(watched[flow]).toBeUndefined();
    const given: unknown[] = [];
    for await (const item of watched) given.push(item);
    expect(given).toEqual([2, 4, 6]);
  });
});

describe('a flow', () => {
  it('asks where the stream does not flow, at the pace of who takes, and no more once the call has ended', async () => {
    const call = new AbortController();
    const given: unknown[] = [];
    await flowTo(counted(10), call.signal, async (batch) => {
      given.push(batch);
      await Promise.resolve();
      if (given.length === 3) call.abort();
    });
    expect(given).toEqual([[1], [2], [3]]);
  });

  it('is a method of its stream', async () => {
    class Stream {
      readonly #items = [1, 2];
      [flow](take: Take): Promise<void> {
        void take(this.#items);
        return Promise.resolve();
      }
      [Symbol.asyncIterator] = () => expect.fail('is not to be pulled');
    }
    const given: unknown[] = [];
    await flowTo(new Stream(), new AbortController().signal, (batch) => void given.push(batch));
    expect(given).toEqual([[1, 2]]);
  });

  it('hands nothing to a call that has ended', async () => {
    const source = pushed();
    const call = new AbortController();
    const given: unknown[] = [];
    const over = flowTo(source.items, call.signal, (batch) => void given.push(batch));
    source.push(1);
    call.abort();
    source.push(2);
    source.end();
    await over;
    expect(given).toEqual([[1]]);
  });
});
