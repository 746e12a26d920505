import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What is killed, starved, stopped and filled up, which takes its time: a command of its own. */
export const suites = [
  'test/resilience/**/*.test.ts',
  'test/edge/{connections,key-rotation,replicas,revocation,slow-readers}.test.ts',
  'test/chat/outbox.test.ts',
  'test/sdk/{fallback,renewal}.test.ts',
  'drizzle/src/embedded/embedded.test.ts',
  'drizzle/src/event-partitions.test.ts',
  '{drizzle,server}/src/**/resilience.test.ts',
];

/** What takes longest begins first, so that the others run beside it. */
export const first = (...names: string[]) =>
  class extends BaseSequencer {
    override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
      const rank = ({ moduleId }: TestSpecification) => {
        const at = names.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
        return at < 0 ? names.length : at;
      };
      return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
    }
  };

export default defineConfig({
  test: {
    globalSetup: 'test/build.ts',
    include: suites,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 20_000 } },
    pool: 'forks',
    isolate: false,
    maxWorkers: 2,
    sequence: { sequencer: first('chaos', 'embedded', 'crash', 'bridges', 'outbox', 'reconnect') },
  },
});
