import { pgErrorCode, type Database } from '@olympus/database';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../platform/clock.ts';
import { live } from '../consumers/consumer.ts';
import type { EventsLog } from '../trouble.ts';
import {
  advance,
  awaitWriters,
  dropSegment,
  hasUnplaced,
  laggingBehind,
  moveBeginnings,
  oldestClosed,
  sizeOf,
  type Closed,
  type Lag,
} from './segments.ts';

/** How much of the log is kept. */
export interface LogRetention {
  /** Events are kept for so long at least, as long as there is room for them. */
  readonly hours: number;
  /** Of the whole log on disk; beyond it the oldest go, whatever their age. */
  readonly maxBytes: number;
}

export const defaultLogRetention: LogRetention = { hours: 7 * 24, maxBytes: 20 * 2 ** 30 };

export interface RetentionOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: EventsLog;
  /** Names of those whose work is waited for, twice as long as events are kept at most. */
  readonly consumers: readonly string[];
  readonly retention: LogRetention;
}

/** The log is cut into about so many segments, so that little more is kept than was asked for. */
const segments = 8;
const hourMs = 3_600_000;
/** How long a lock is waited for, attempt by attempt: writers wait behind whoever waits, so first in vain than long. */
const patience = [50, 50, 100, 100, 200, 400, 800, 1600];
const restMs = 300;
const lockTimeout = '55P03';

/**
 * Looks after the segments of the log: begins a new one when it is time, and drops the oldest where it is too old or the
 * log too large. Resolves to how many were dropped. Several processes may do so at once.
 */
export async function tendLog(options: RetentionOptions): Promise<number> {
  const { database, clock, retention } = options;
  const { hours, maxBytes } = retention;
  await advance(database, clock.now(), { ms: (hours * hourMs) / segments, bytes: Math.ceil(maxBytes / segments) });
  for (let dropped = 0; ; dropped++) {
    const segment = await oldestClosed(database.systemDb);
    if (!segment || !(await isDue(options, segment)) || !(await retire(options, segment))) return dropped;
  }
}

/** Size waits for nobody: a full disk would stop the whole installation. Age waits for consumers, as long again. */
async function isDue({ database, clock, log, consumers, retention }: RetentionOptions, segment: Closed) {
  const age = clock.now().getTime() - segment.closedAt.getTime();
  const { bytes } = await sizeOf(database.systemDb);
  const isTooLarge = bytes > retention.maxBytes;
  if (!isTooLarge && age < retention.hours * hourMs) return false;
  const lagging = await laggingBehind(database.systemDb, segment, { consumers, lane: live });
  if (lagging.length === 0) return true;
  const mayWait = !isTooLarge && age < 2 * retention.hours * hourMs;
  tell(log, { segment, bytes, lagging, mayWait });
  return !mayWait;
}

interface Word {
  readonly segment: Closed;
  readonly bytes: number;
  readonly lagging: readonly Lag[];
  readonly mayWait: boolean;
}

function tell(log: EventsLog, { segment: { number: segment, closedAt }, bytes, lagging, mayWait }: Word): void {
  const word = mayWait
    ? 'a part of the log is kept for consumers that are behind'
    : 'a part of the log is dropped that consumers have not come to';
  for (const { consumer, tenants, events } of lagging)
    log.warn({ segment, closedAt, bytes, consumer, tenants, events }, word);
}

/** First the word that it is gone, then the deed: a crash in between shows somebody less than there is, never a gap. */
async function retire({ database, log }: RetentionOptions, segment: Closed): Promise<boolean> {
  if (!(await persistently((ms) => awaitWriters(database, ms)))) return false;
  // Whoever is told of the beginning relies on it that nothing before it comes later.
  if (await hasUnplaced(database.systemDb, segment)) return false;
  await moveBeginnings(database.systemDb, segment);
  if (!(await persistently((ms) => dropSegment(database, segment, ms)))) return false;
  log.info({ segment: segment.number, closedAt: segment.closedAt }, 'a segment of the log was dropped');
  return true;
}

/** Whether a lock was had; where not, it is for the next time. */
async function persistently(work: (patienceMs: number) => Promise<void>): Promise<boolean> {
  for (const ms of patience) {
    try {
      await work(ms);
      return true;
    } catch (error) {
      if (pgErrorCode(error) !== lockTimeout) throw error;
      await sleep(restMs * (0.5 + Math.random()), undefined, { ref: false });
    }
  }
  return false;
}
