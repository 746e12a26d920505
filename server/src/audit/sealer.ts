import { sql, type Database, type Db } from '@olympus/database';
import { createLeadership } from '../events/leadership.ts';
import { createPause } from '../events/pause.ts';
import { createTrouble, type EventsLog } from '../events/trouble.ts';
import type { Clock } from '../platform/clock.ts';
import { sealBatch, sealEntries } from './seal.ts';
import { createAuditWatch, type AuditWatch } from './watch.ts';

/** Seals what is appended, and tells who follows it. Many may run, one seals. */
export interface Sealer extends Pick<AuditWatch, 'changed' | 'ended'> {
  start(): void;
  /** Resolves once what the tenant has appended by now is sealed, or after two seconds. */
  settled(db: Db): Promise<void>;
  /** Ends after the round that runs; another replica takes over. */
  stop(): Promise<void>;
}

export interface SealerOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: EventsLog;
}

/** Any number will do, as long as nothing else in the database locks it. */
const sealingLock = '7265109873';
/** Between two rounds of the one that leads, which must speak more often than every three seconds; others try the lead. */
const roundMs = 500;
const standbyMs = 1000;
const settleMs = 2000;

export function createSealer({ database, clock, log }: SealerOptions): Sealer {
  const watch = createAuditWatch({ database, log });
  const leadership = createLeadership(database, sealingLock);
  const pause = createPause();
  const trouble = createTrouble(log, 'the sealing of the audit log');
  let running: Promise<void> | null = null;

  async function run(): Promise<void> {
    while (!pause.ended) {
      try {
        const term = await leadership.acquire();
        trouble.over();
        while (term && !pause.ended) {
          const count = await sealEntries(term, clock.now());
          if (count < sealBatch) await pause.until(roundMs);
        }
      } catch (error) {
        trouble.met(error);
        await leadership.release();
      }
      await pause.unwoken(standbyMs * (0.8 + Math.random() * 0.4));
    }
    await leadership.release();
  }

  return {
    changed: watch.changed,
    get ended() {
      return watch.ended;
    },
    start() {
      watch.start();
      running ??= run();
    },
    async settled(db) {
      const until = performance.now() + settleMs;
      const last = await lastUnsealed(db);
      while (last !== null && performance.now() < until && !pause.ended) {
        // Heard only where this process leads; another's next round is near anyway.
        pause.wake();
        await new Promise((resolve) => setTimeout(resolve, 25));
        if (await isSealed(db, last)) return;
      }
    },
    async stop() {
      pause.end();
      await Promise.all([running, watch.stop()]);
    },
  };
}

async function lastUnsealed(db: Db): Promise<string | null> {
  const [row] = await db.rows<{ id: string }>(sql`
    select id from audit_entries where tenant_id = ${db.tenantId}::uuid and sequence is null order by id desc limit 1`);
  return row?.id ?? null;
}

async function isSealed(db: Db, id: string): Promise<boolean> {
  const rows = await db.rows(sql`
    select 1 as sealed from audit_entries where tenant_id = ${db.tenantId}::uuid and id = ${id}::uuid and sequence is not null`);
  return rows.length > 0;
}
