import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../processes.ts';
import { covered, pending } from './coverage.ts';

const isThere = (file: string): boolean => existsSync(join(root, file));
const arrived = pending.filter(({ by }) => by.every(([file]) => isThere(file)));

describe('the catalogue of attacks', () => {
  it.each([...covered, ...arrived])('$attack: its tests are there', ({ by }) => {
    expect(by.length).toBeGreaterThan(0);
    for (const [file, ...tests] of by) {
      expect(isThere(file), file).toBe(true);
      const text = readFileSync(join(root, file), 'utf8').replaceAll(/'\s*\+\s*'/g, '');
      for (const test of tests) expect(text.includes(test), `${file} has no test "${test}"`).toBe(true);
    }
  });

  it('names every suite of this folder', () => {
    const named = new Set([...covered, ...pending].flatMap(({ by }) => by.map(([file]) => file)));
    const about = new Set(['classification.test.ts', 'coverage.test.ts']);
    const suites = readdirSync(import.meta.dirname).filter((file) => file.endsWith('.test.ts') && !about.has(file));
    expect(suites.filter((file) => !named.has(`test/security/${file}`))).toEqual([]);
  });

  it('tells what is pending, and why', () => {
    for (const one of pending.filter((entry) => !arrived.includes(entry)))
      console.log(`pending: ${one.attack}: ${one.why}`);
    expect(new Set([...covered, ...pending].map(({ attack }) => attack)).size).toBe(covered.length + pending.length);
  });
});
