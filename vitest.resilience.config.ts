import { defineConfig } from 'vitest/config';

/** What is killed, starved, stopped and filled up, which takes its time: a command of its own. */
export const suites = [
  'test/resilience/**/*.test.ts',
  'test/edge/{connections,key-rotation,replicas,revocation,slow-readers}.test.ts',
  'test/chat/outbox.test.ts',
  'drizzle/src/embedded/embedded.test.ts',
];

export default defineConfig({
  test: {
    include: suites,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: 'forks',
    isolate: false,
    maxWorkers: 2,
  },
});
