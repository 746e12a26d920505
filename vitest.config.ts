import { defineConfig } from 'vitest/config';
import { first, suites as resilience } from './vitest.resilience.config.ts';

export default defineConfig({
  test: {
    globalSetup: 'test/build.ts',
    include: ['{shared,drizzle,server,client-sdk}/**/*.test.ts', 'test/**/*.test.{ts,tsx}'],
    exclude: ['**/node_modules/**', 'test/{bench,data,security}/**', 'test/architecture.test.ts', ...resilience],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 20_000 } },
    pool: 'forks',
    // Loading the program again for every file would take a fifth of the time.
    isolate: false,
    maxWorkers: 2,
    sequence: { sequencer: first('conformance', 'package', 'openapi') },
    coverage: {
      provider: 'v8',
      include: ['server/src/**/*.ts', 'shared/src/**/*.ts', 'client-sdk/src/**/*.ts'],
      exclude: ['**/*.test.ts'],
      reporter: ['text-summary', 'json-summary'],
      reportOnFailure: true,
      thresholds: { lines: 80 },
    },
  },
});
