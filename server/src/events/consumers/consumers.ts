import { checkConsumers, type Consumer } from './consumer.ts';
import { createGroup, type GroupOptions } from './group.ts';

/** The consumers of this installation, as far as this process serves them. */
export interface Consumers {
  readonly all: readonly Consumer[];
  start(): void;
  /** Says, after a commit or on word of one, that there may be something to do. */
  readonly wake: () => void;
  stop(): Promise<void>;
}

/** Throws a `TypeError` for names that cannot be or are given twice. */
export function createConsumers(all: readonly Consumer[], options: Omit<GroupOptions, 'consumer'>): Consumers {
  checkConsumers(all);
  const groups = all.map((consumer) => createGroup({ ...options, consumer }));
  return {
    all,
    start() {
      for (const group of groups) group.start();
    },
    wake() {
      for (const group of groups) group.wake();
    },
    async stop() {
      await Promise.all(groups.map((group) => group.stop()));
    },
  };
}
