import { defineConfig } from 'vitest/config';

// One file at a time unless told otherwise: each imports half a million lines, and their figures for time and memory are read.
export default defineConfig({
  test: {
    globalSetup: 'test/build.ts',
    include: ['test/data/**/*.test.ts'],
    testTimeout: 900_000,
    hookTimeout: 300_000,
    fileParallelism: false,
    pool: 'forks',
  },
});
