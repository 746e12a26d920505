import { expect, it } from 'vitest';
import { faultsOf, type Received } from './history.ts';

const log = Array.from({ length: 50 }, (_, index) => `e${index}`);
const all = (): Received[] => log.map((event) => ({ event }));
const without = (from: number, count: number) => all().toSpliced(from, count);

it('finds nothing in a history that is whole', () => {
  expect(faultsOf(log, all())).toEqual([]);
  expect(faultsOf([], [])).toEqual([]);
});

it('finds each event that is missing, at the beginning, in between and at the end', () => {
  for (const from of [0, 17, 47])
    expect(faultsOf(log, without(from, 3))).toEqual(
      log.slice(from, from + 3).map((event) => ({ kind: 'gap', at: from, event })),
    );
  expect(faultsOf(log, [])).toHaveLength(50);
});

it('finds an event that comes twice, at once or later', () => {
  for (const at of [8, 30, 50])
    expect(faultsOf(log, all().toSpliced(at, 0, { event: 'e7' }))).toEqual([{ kind: 'duplicate', at, event: 'e7' }]);
});

it('finds two that have changed places', () => {
  const swapped = all();
  [swapped[20], swapped[21]] = [{ event: 'e21' }, { event: 'e20' }];
  expect(faultsOf(log, swapped)).toEqual([
    { kind: 'gap', at: 20, event: 'e20' },
    { kind: 'reordering', at: 21, event: 'e20' },
  ]);
});

it('finds an event that the log does not know', () => {
  expect(faultsOf(log, all().toSpliced(3, 0, { event: 'other' }))).toEqual([
    { kind: 'unknown', at: 3, event: 'other' },
  ]);
});

it('takes a reset for what is missing there, and there only', () => {
  const reset = { reset: 'no longer kept' };
  expect(faultsOf(log, without(10, 5).toSpliced(10, 0, reset))).toEqual([]);
  expect(faultsOf(log, [...all().slice(0, 30), reset])).toEqual([]);
  expect(faultsOf(log, without(10, 5).toSpliced(9, 0, reset))).toHaveLength(5);
  expect(faultsOf(log, all().toSpliced(10, 0, reset, { event: 'e3' }))).toEqual([
    { kind: 'duplicate', at: 11, event: 'e3' },
  ]);
});
