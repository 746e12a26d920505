import { given, jobsSchema, type Database, type SystemDb } from '@olympus/database';
import PgBoss from 'pg-boss';
import type { Logger } from 'pino';
import { createPause, type Pause } from '../events/pause.ts';

/** What waits in a queue: data that holds no secret, since it is kept for a day after it is done. */
export interface QueuedJob {
  readonly queue: string;
  readonly data: object;
  /** At most one job of this name within so many seconds. */
  readonly once?: { readonly name: string; readonly seconds: number };
}

export interface QueueSettings {
  /** How often a job that failed is tried again, waiting 15 s, 30 s, 60 s and so on in between. */
  readonly retries: number;
  /** After which a job is given to another process, because the one that took it is gone. */
  readonly expireSeconds: number;
}

/** Jobs that survive a crash: each runs at least once after its transaction has committed, in any of the replicas. */
export interface Queue {
  /** Puts a job into a transaction of the system role. */
  send(db: SystemDb, job: QueuedJob): Promise<void>;
  /** Runs the jobs of a queue in this process, one after the other. */
  work(queue: string, run: (data: never) => Promise<void>): void;
  /** Runs `run` once in every `seconds`, in one of the replicas. */
  every(queue: string, seconds: number, run: () => Promise<void>): void;
  /** Takes no further job; resolves when the running ones have ended. */
  stop(): Promise<void>;
}

export interface QueueOptions {
  readonly database: Database;
  readonly log: Pick<Logger, 'error' | 'warn'>;
  readonly queues: Readonly<Record<string, QueueSettings>>;
}

/** The embedded database has one session for everybody, so it is asked less often; a job that was sent here is looked for at once. */
const pollMs = { embedded: 5000, postgres: 2000 };
const minute = 60;
/** A transaction has mostly committed by then; if not, the next look finds its job. */
const commitMs = 100;

/** https://github.com/timgit/pg-boss keeps the jobs; the tables are made on the first start, under its lock. */
export async function openQueue({ database, log, queues }: QueueOptions): Promise<Queue> {
  const boss = new PgBoss({
    db: adapter(database),
    schema: jobsSchema,
    // Its clock leaves failed statements unhandled; a job a time slot, sent by whoever comes first, needs none.
    schedule: false,
    maintenanceIntervalSeconds: minute,
    archiveCompletedAfterSeconds: 60 * minute,
    deleteAfterDays: 1,
  });
  boss.on('error', (err) => log.warn({ err }, 'the queue of jobs could not be looked after'));
  await boss.start();
  for (const [name, { retries, expireSeconds }] of Object.entries(queues)) {
    const options = { retryLimit: retries, retryDelay: 15, retryBackoff: true, expireInSeconds: expireSeconds };
    await boss.createQueue(name, { name, ...options });
  }
  const workers = new Map<string, { pause: Pause; ended: Promise<void> }>();

  const take = async (queue: string, run: (data: never) => Promise<void>): Promise<boolean> => {
    const [job] = await boss.fetch<never>(queue);
    if (!job) return false;
    try {
      await run(job.data);
    } catch (err) {
      log.error({ job: queue, id: job.id, err }, 'a job failed and will be tried again');
      await boss.fail(queue, job.id, { message: 'failed' });
      return true;
    }
    await boss.complete(queue, job.id);
    return true;
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

  const send: Queue['send'] = async (db, { queue, data, once }) => {
    const throttle = once && { singletonKey: once.name, singletonSeconds: once.seconds };
    await boss.send(queue, data, { ...throttle, db: { executeSql: (text, values) => within(db, text, values) } });
    const worker = workers.get(queue);
    if (worker) setTimeout(worker.pause.wake, commitMs).unref();
  };

  return {
    send,
    work: (queue, run) => start(queue, () => take(queue, run)),
    every(queue, seconds, run) {
      let slot = -1;
      start(queue, async () => {
        const now = Math.floor(performance.now() / 1000 / seconds);
        // The database decides by its own clock whether this slot has its job already.
        if (now !== slot) await boss.send(queue, {}, { singletonKey: queue, singletonSeconds: seconds });
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

/** pg-boss's statements over our connections. Its scripts have no values, and bring a transaction of their own. */
const adapter = (database: Database): PgBoss.Db => ({
  async executeSql(text, values: unknown[] = []) {
    if (values.length > 0) return within(database.systemDb, text, values);
    return { rows: await database.system.unsafe(implicit(text)) };
  },
});

async function within(db: SystemDb, text: string, values: readonly unknown[]): Promise<{ rows: object[] }> {
  return { rows: await db.rows(given(text, values)) };
}

/**
 * A script is one transaction by itself, which a failure ends; `begin` would leave it open and its connection spoilt. The
 * schema is there already, and the role may make none.
 */
const implicit = (text: string): string =>
  text
    .replace(/^\s*BEGIN;/, '')
    .replace(/COMMIT;\s*$/, '')
    .replace(/CREATE SCHEMA IF NOT EXISTS \w+\s*;/, '');
