import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createDepartures, oneByOne, spreadMs } from './departures.ts';

it('many leave evenly over their time, and few at once', async () => {
  const pace = { apartMs: 2, withinMs: 300 };
  expect([spreadMs(10, pace), spreadMs(1000, pace)]).toEqual([20, 300]);
  const times: number[] = [];
  const start = performance.now();
  await oneByOne(Array.from({ length: 1000 }), pace, () => times.push(performance.now() - start));
  expect(times).toHaveLength(1000);
  expect(times.at(-1)).toBeGreaterThan(250);
  for (const quarter of [75, 150, 225]) {
    const left = times.filter((time) => time < quarter).length;
    expect(Math.abs(left - (1000 * quarter) / 300)).toBeLessThan(250);
  }
});

it('who has left already is not told, and who comes late is at once', async () => {
  const closing = new AbortController();
  const departures = createDepartures(closing.signal, { apartMs: 50, withinMs: 1000 });
  const left: string[] = [];
  departures.add(() => left.push('first'));
  const takeBack = departures.add(() => left.push('second'));
  departures.add(() => left.push('third'));
  closing.abort();
  takeBack();
  departures.add(() => left.push('late'));
  expect(left).toEqual(['first', 'late']);
  await sleep(250);
  expect(left).toEqual(['first', 'late', 'third']);
});
