import type { Database } from '@olympus/database';
import type { Logger } from 'pino';
import { dropOldEntries } from '../audit/retention.ts';
import { tendLog, type LogRetention } from '../events/retention/retention.ts';
import type { Clock } from '../platform/clock.ts';
import type { Ids } from '../platform/ids.ts';
import { tendKeys } from '../platform/key-rotation.ts';
import { expire } from './expiry.ts';
import { openQueue, type Queue, type QueueOptions, type QueueSettings } from './queue.ts';
import { rollUp } from './rollup.ts';

export interface Jobs {
  /** Starts nothing further; resolves when what was running has ended. */
  stop(): Promise<void>;
}
interface Job {
  readonly name: string;
  readonly everyMs: number;
  /** Resolves to whether there is more to do: then it runs again after a tenth of the time. */
  readonly run: () => Promise<boolean>;
}

/** On the embedded database everybody waits for a roll-up, so they take turns with the calls. */
const monthsAtOnce = { embedded: 1, postgres: 12 };

export interface JobsDependencies {
  readonly database: Database;
  readonly queue: Queue;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Pick<Logger, 'error' | 'warn' | 'info'>;
  /** Those for which the log of events waits. */
  readonly consumers: readonly { readonly name: string }[];
  readonly config: {
    readonly auditDays: number;
    readonly eventRetention: LogRetention;
    readonly keys: { readonly rotationDays: number; readonly jwksCacheSeconds: number };
  };
}

/** Those of what is done by the clock, and of mails. */
export const queues = {
  auditRetention: { retries: 0, expireSeconds: 600 },
  eventRetention: { retries: 0, expireSeconds: 600 },
  expiry: { retries: 0, expireSeconds: 600 },
  keys: { retries: 0, expireSeconds: 60 },
  // With waits that double, the last attempt is about a day after the first.
  mail: { retries: 14, expireSeconds: 60 },
} satisfies Record<string, QueueSettings>;

/** Opens the queues of jobs that survive a crash, with `more` of them. */
export const openQueues = ({
  database,
  log,
  more,
}: Pick<QueueOptions, 'database' | 'log'> & { more: QueueOptions['queues'] }): Promise<Queue> =>
  openQueue({ database, log, queues: { ...queues, ...more }, alone: database.kind === 'embedded' });

/** What is done by the clock: roll-ups by each process, the rest by one of them. */
export function startJobs({ database, queue, clock, ids, log, consumers, config }: JobsDependencies): Jobs {
  const run = async () => (await rollUp({ database, clock }, monthsAtOnce[database.kind])) > 0;
  queue.every('expiry', 600, async () => {
    await expire(database, clock);
  });
  queue.every('eventRetention', 60, async () => {
    const names = consumers.map(({ name }) => name);
    await tendLog({ database, clock, log, consumers: names, retention: config.eventRetention });
  });
  queue.every('auditRetention', 3600, async () => {
    await dropOldEntries({ database, clock, ids, days: config.auditDays });
  });
  queue.every('keys', 60, () => tendKeys({ database, clock }, config.keys));
  return repeat({ name: 'rollup', everyMs: 2000, run }, log);
}

/** Runs a job again and again, each time a while after it has ended. The first wait keeps processes of one start apart. */
export function repeat({ name, everyMs, run }: Job, log: Pick<Logger, 'error'>): Jobs {
  let stopped = false;
  let turn: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout;
  const wait = (ms: number) => {
    timer = setTimeout(() => {
      turn = take();
    }, ms);
    timer.unref();
  };
  const take = async () => {
    let more = false;
    try {
      more = await run();
    } catch (error) {
      log.error({ job: name, err: error }, 'a job failed and will be tried again');
    }
    if (!stopped) wait(more ? everyMs / 10 : everyMs);
  };
  wait(Math.random() * everyMs);
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await turn;
    },
  };
}
