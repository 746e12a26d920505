import type { Database } from '@olympus/database';
import type { Logger } from 'pino';
import type { Clock } from '../platform/clock.ts';
import { tendKeys } from '../platform/key-rotation.ts';
import { expire } from './expiry.ts';
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
  readonly clock: Clock;
  readonly log: Pick<Logger, 'error'>;
  readonly keys: { readonly rotationDays: number; readonly jwksCacheSeconds: number };
}

/** What each process does by itself, now and then. */
export function startJobs({ database, clock, log, keys }: JobsDependencies): Jobs {
  const jobs: Job[] = [
    {
      name: 'rollup',
      everyMs: 2000,
      run: async () => (await rollUp({ database, clock }, monthsAtOnce[database.kind])) > 0,
    },
    {
      name: 'expiry',
      everyMs: 600_000,
      run: async () => {
        await expire(database, clock);
        return false;
      },
    },
    {
      name: 'keys',
      everyMs: 60_000,
      run: async () => {
        await tendKeys({ database, clock }, keys);
        return false;
      },
    },
  ];
  const running = jobs.map((job) => repeat(job, log));
  return {
    async stop() {
      await Promise.all(running.map((job) => job.stop()));
    },
  };
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
