import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../processes.ts';
import { covered, pending } from './coverage.ts';

describe('the catalogue of attacks', () => {
  it.each(covered)('$attack: its tests are there', ({ by }) => {
    expect(by.length).toBeGreaterThan(0);
    for (const [file, ...tests] of by) {
      expect(existsSync(join(root, file)), file).toBe(true);
      const text = readFileSync(join(root, file), 'utf8').replaceAll(/'\s*\+\s*'/g, '');
      for (const test of tests) expect(text, `${file} has no test "${test}"`).toContain(test);
    }
  });

  it('names every suite of this folder', () => {
    const named = new Set(covered.flatMap(({ by }) => by.map(([file]) => file)));
    const about = new Set(['classification.test.ts', 'coverage.test.ts']);
    const suites = readdirSync(import.meta.dirname).filter((file) => file.endsWith('.test.ts') && !about.has(file));
    expect(suites.filter((file) => !named.has(`test/security/${file}`))).toEqual([]);
  });

  it('tells what is pending, and why', () => {
    for (const { attack, why, file } of pending) {
      console.log(`pending: ${attack}: ${why}`);
      expect(existsSync(join(root, file)), `${file} is there: move "${attack}" to covered`).toBe(false);
    }
    expect(new Set([...covered, ...pending].map(({ attack }) => attack)).size).toBe(covered.length + pending.length);
  });
});
