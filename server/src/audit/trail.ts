import type { Database } from '@olympus/database';
import type { Logger } from 'pino';
import type { Call } from '../kernel/context.ts';
import type { Failure } from '../kernel/failure.ts';
import type { AuditTrail } from '../kernel/steps/audit.ts';
import type { Clock } from '../platform/clock.ts';
import { networkOf } from '../platform/client-address.ts';
import type { Ids } from '../platform/ids.ts';
import { failureOf, keptOutOf, successOf, type NewEntry } from './entry.ts';
import { insertEntry } from './rows.ts';

export interface TrailOptions {
  readonly database: Pick<Database, 'transaction'>;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Pick<Logger, 'error'>;
}

export interface Trail extends AuditTrail {
  /** Looks now and then for rows of denials that are over. */
  start(): void;
  /** Writes what has been counted and not written yet. */
  flush(): Promise<void>;
  stop(): Promise<void>;
}

/** Denials of one user, procedure and code, or at one network that is kept out, share an entry within this time. */
const windowMs = 60_000;
const lookMs = 5000;
/** Rows of denials that are counted at once; beyond, the oldest is written early. */
const maxRows = 10_000;

/** Denials of one kind in a row. The first is written at once, and what follows within a minute by one entry at its end. */
interface Row {
  since: number;
  waiting: number;
  last: NewEntry;
}

export function createAuditTrail({ database, clock, ids, log }: TrailOptions): Trail {
  const rows = new Map<string, Row>();
  let timer: NodeJS.Timeout | undefined;
  const facts = () => ({ id: ids.next(), createdAt: clock.now() });
  const write = (entry: NewEntry) => database.transaction(entry.tenantId, async (db) => insertEntry(db, entry));

  async function attempt(entry: NewEntry): Promise<boolean> {
    try {
      await write(entry);
      return true;
    } catch (error) {
      const { tenantId, userId, procedure, code, count } = entry;
      log.error({ err: error, tenantId, userId, procedure, code, count }, 'the audit log could not be written');
      return false;
    }
  }

  /** Writes what a row counted; what cannot be written now counts on. */
  async function close(row: Row, now: number): Promise<void> {
    const count = row.waiting;
    row.waiting = 0;
    row.since = now;
    if (!(await attempt({ ...row.last, ...facts(), count }))) row.waiting += count;
  }

  async function look(isOver: (row: Row) => boolean): Promise<void> {
    const now = clock.now().getTime();
    for (const [key, row] of rows) {
      if (!isOver(row)) continue;
      if (row.waiting > 0) await close(row, now);
      else rows.delete(key);
    }
  }

  async function deny(entry: NewEntry, kind = entry.procedure): Promise<void> {
    const now = clock.now().getTime();
    const key = [entry.tenantId, entry.userId, entry.apiKeyId, kind, entry.code].join(' ');
    const row = rows.get(key);
    if (row) {
      row.waiting++;
      row.last = entry;
      if (now - row.since >= windowMs) await close(row, now);
      return;
    }
    const [oldest] = rows;
    if (oldest && rows.size >= maxRows) {
      rows.delete(oldest[0]);
      if (oldest[1].waiting > 0) await close(oldest[1], now);
    }
    const begun = { since: now, waiting: 0, last: entry };
    rows.set(key, begun);
    if (!(await attempt(entry))) begun.waiting++;
  }

  const flush = () => look(() => true);
  return {
    succeeded: (db, call, result) => insertEntry(db, successOf(call, result, facts())),
    denied: (call: Call, failure: Failure) => deny(failureOf(call, failure, { ...facts(), outcome: 'denied' })),
    // By the network, so that neither another procedure nor another address of the same hand fills the log.
    keptOut: (caller, principal, { call, failure }) =>
      deny(
        keptOutOf(caller, principal, { ...facts(), procedure: call?.procedure.path ?? 'socket', code: failure.code }),
        `at ${networkOf(caller.address)}`,
      ),
    failed: async (call: Call, failure: Failure) => {
      await attempt(failureOf(call, failure, { ...facts(), outcome: 'failed' }));
    },
    start() {
      timer ??= setInterval(() => {
        const now = clock.now().getTime();
        void look(({ since }) => now - since >= windowMs);
      }, lookMs).unref();
    },
    flush,
    async stop() {
      clearInterval(timer);
      await flush();
    },
  };
}
