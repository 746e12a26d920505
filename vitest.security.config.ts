import { defineConfig } from 'vitest/config';

// Every attack on every procedure over every protocol takes as long as all other suites, so it is a command of its own.
export default defineConfig({
  test: {
    include: ['test/security/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 20_000 } },
    pool: 'forks',
    isolate: false,
    maxWorkers: 2,
  },
});
