import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from '../processes.ts';
import { compareVersions, dependencyFloors, lockedVersions } from './dependency-floors.ts';

const lockfile = readFileSync(join(root, 'pnpm-lock.yaml'), 'utf8');

it.each(Object.entries(dependencyFloors))('%s is at or above its floor', (name, { floor, why }) => {
  for (const version of lockedVersions(lockfile, name))
    expect(compareVersions(version, floor), `${name} ${version} is below ${floor}: ${why}`).toBeGreaterThanOrEqual(0);
});

it('the lockfile is read, and versions are compared as numbers', () => {
  for (const name of ['@trpc/server', 'ws', 'drizzle-orm', 'superjson'])
    expect(lockedVersions(lockfile, name), name).not.toEqual([]);
  expect(lockedVersions("  ws@8.9.0:\n  'ws@8.10.0':\n", 'ws')).toEqual(['8.9.0', '8.10.0']);
  expect(compareVersions('8.9.0', '8.21.0')).toBeLessThan(0);
});
