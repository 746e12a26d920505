import { jobsSchema, type Database, type SystemDb } from '@olympus/database';
import PgBoss from 'pg-boss';
import type { Logger } from 'pino';
import { createPause, type Pause } from '../events/pause.ts';
import { adapter, createQueues, figuresOf, takeBack, within, type QueueFigures } from './tables.ts';

/** What waits in a queue: data that holds no secret, since it is kept for a day after it is done. */
export interface QueuedJob {
  readonly queue: string;
  readonly data: object;
  /** At most one job of this name within so many seconds. */
  readonly once?: { readonly name: string; readonly seconds: number };
  /** Before this it is not run; absent: it is run as soon as may be. */
  readonly at?: Date | null;
}

export interface QueueSettings {
  /** How often a job that failed is tried again, waiting `retrySeconds` and then about twice as long each time. */
  readonly retries: number;
  /** Default 5. */
  readonly retrySeconds?: number;
  /** After which a job is given to another process, because the one that took it is gone. */
  readonly expireSeconds: number;
  /** Jobs that one process runs at once. Default 1. */
  readonly concurrency?: number;
}

/** Jobs that survive a crash: each runs at least once after its transaction has committed, in any of the replicas. */
export interface Queue {
  /** Puts a job into a transaction of the system role. */
  send(db: SystemDb, job: QueuedJob): Promise<void>;
  /** Runs the jobs of a queue in this process, as many at once as its settings say. */
  work(queue: string, run: (data: never) => Promise<void>): void;
  /** Runs `run` once in every `seconds`, in one of the replicas. */
  every(queue: string, seconds: number, run: () => Promise<void>): void;
  /** How the queues stand, in the whole installation. */
  figures(): Promise<QueueFigures[]>;
  /** Takes no further job; resolves when the running ones have ended. */
  stop(): Promise<void>;
}

export interface QueueOptions {
  readonly database: Database;
  readonly log: Pick<Logger, 'error' | 'warn'>;
  readonly queues: Readonly<Record<string, QueueSettings>>;
  /** No other process is on this database, so what it has left running runs no more. Default false. */
  readonly alone?: boolean;
}

/** The embedded database has one session for everybody, so it is asked less often; a job that was sent here is looked for at once. */
const pollMs = { embedded: 5000, postgres: 2000 };
const minute = 60;
/** How often jobs of processes that are gone are looked for. */
const maintenanceSeconds = 10;
/** Jobs for later are looked for in time where that is not long from now. */
const soonMs = minute * 1000;
/** A transaction has mostly committed by then; if not, the next look finds its job. */
const commitMs = 100;

/** https://github.com/timgit/pg-boss keeps the jobs; the tables are made on the first start, under its lock. */
export async function openQueue({ database, log, queues, alone = false }: QueueOptions): Promise<Queue> {
  const boss = new PgBoss({
    db: adapter(database),
    schema: jobsSchema,
    // Its clock leaves failed statements unhandled; a job a time slot, sent by whoever comes first, needs none.
    schedule: false,
    maintenanceIntervalSeconds: maintenanceSeconds,
    archiveCompletedAfterSeconds: 60 * minute,
    deleteAfterDays: 1,
  });
  boss.on('error', (err) => log.warn({ err }, 'the queue of jobs could not be looked after'));
  await boss.start();
  await createQueues(database, Object.keys(queues));
  if (alone) await takeBack(database);
  const optionsOf = (queue: string) => {
    const { retries = 0, retrySeconds = 5, expireSeconds = minute } = queues[queue] ?? {};
    return { retryLimit: retries, retryDelay: retrySeconds, retryBackoff: true, expireInSeconds: expireSeconds };
  };
  const workers = new Map<string, { pause: Pause; ended: Promise<unknown> }>();

  const finish = async (queue: string, job: PgBoss.Job<never>, run: (data: never) => Promise<void>): Promise<void> => {
    try {
      await run(job.data);
    } catch (err) {
      log.error({ job: queue, id: job.id, err }, 'a job failed and will be tried again');
      await boss.fail(queue, job.id, { message: 'failed' });
      return;
    }
    await boss.complete(queue, job.id);
  };
  const take = async (queue: string, run: (data: never) => Promise<void>): Promise<boolean> => {
    const [job] = await boss.fetch<never>(queue);
    if (job) await finish(queue, job, run);
    return job !== undefined;
  };
  const loop = async (queue: string, pause: Pause, turn: () => Promise<boolean>) => {
    while (!pause.ended) {
      try {
        if (await turn()) continue;
      } catch (err) {
        // A job that was taken is given to somebody else when its time is up.
        if (!pause.ended) log.warn({ job: queue, err }, 'a queue could not be read');
      }
      await pause.until(pollMs[database.kind] * (0.8 + Math.random() * 0.4));
    }
  };
  const start = (queue: string, turn: () => Promise<boolean>) => {
    const pause = createPause();
    workers.set(queue, { pause, ended: loop(queue, pause, turn) });
  };
  const work = (queue: string, run: (data: never) => Promise<void>, concurrency: number) => {
    const pause = createPause();
    const running = new Set<Promise<void>>();
    const begin = (job: PgBoss.Job<never>) => {
      const end: Promise<void> = finish(queue, job, run)
        .catch((err: unknown) => log.warn({ job: queue, err }, 'the end of a job could not be noted'))
        .finally(() => {
          running.delete(end);
          pause.wake();
        });
      running.add(end);
    };
    const turn = async () => {
      const batchSize = concurrency - running.size;
      if (batchSize === 0) return false;
      const jobs = await boss.fetch<never>(queue, { batchSize });
      for (const job of jobs) begin(job);
      return jobs.length === batchSize && running.size < concurrency;
    };
    const ended = loop(queue, pause, turn).then(() => Promise.all(running));
    workers.set(queue, { pause, ended });
  };

  const send: Queue['send'] = async (db, { queue, data, once, at }) => {
    const throttle = once && { singletonKey: once.name, singletonSeconds: once.seconds };
    const delay = at ? Math.max(0, at.getTime() - Date.now()) : 0;
    await boss.send(queue, data, {
      ...optionsOf(queue),
      ...throttle,
      ...(at ? { startAfter: at } : {}),
      db: { executeSql: (text, values) => within(db, text, values) },
    });
    const worker = workers.get(queue);
    if (worker && delay < soonMs) setTimeout(worker.pause.wake, delay + commitMs).unref();
  };

  return {
    send,
    work: (queue, run) => work(queue, run, queues[queue]?.concurrency ?? 1),
    figures: () => figuresOf(database),
    every(queue, seconds, run) {
      let slot = -1;
      start(queue, async () => {
        const now = Math.floor(performance.now() / 1000 / seconds);
        // The database decides by its own clock whether this slot has its job already.
        const once = { singletonKey: queue, singletonSeconds: seconds };
        if (now !== slot) await boss.send(queue, {}, { ...optionsOf(queue), ...once });
        slot = now;
        return take(queue, run);
      });
    },
    async stop() {
      for (const { pause } of workers.values()) pause.end();
      await Promise.all([...workers.values()].map(({ ended }) => ended));
      await boss.stop({ graceful: false });
    },
  };
}
