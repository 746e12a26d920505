import { array, sql, type Database } from '@olympus/database';
import { createPause } from '../events/pause.ts';
import { createTrouble, type EventsLog } from '../events/trouble.ts';

/** Tells who follows a chain that it has grown. */
export interface AuditWatch {
  /** Resolves when the tenant's chain ends elsewhere than at `sequence`, when the signal ends, and when the watch does. */
  readonly changed: (tenantId: string, sequence: number, signal: AbortSignal) => Promise<void>;
  start(): void;
  /** Ends every wait, now and from now on. */
  stop(): Promise<void>;
  readonly ended: boolean;
}

interface Waiter {
  readonly tenantId: string;
  readonly sequence: number;
  readonly wake: () => void;
}

/** Beside the half second between two rounds of the sealing. */
const pollMs = 500;

export function createAuditWatch({ database, log }: { database: Database; log: EventsLog }): AuditWatch {
  const waiters = new Set<Waiter>();
  const pause = createPause();
  const trouble = createTrouble(log, 'looking for entries of the audit log');
  let polling: Promise<void> | null = null;

  /** One statement for all tenants, however many are followed. */
  async function look(): Promise<void> {
    const looking = [...waiters];
    if (looking.length === 0) return;
    try {
      const tenantIds = [...new Set(looking.map(({ tenantId }) => tenantId))];
      const rows = await database.systemDb.rows<{ tenantId: string; sequence: string }>(sql`
        select tenant_id as "tenantId", sequence from audit_heads where tenant_id = any(${array(tenantIds)}::uuid[])`);
      const heads = new Map(rows.map(({ tenantId, sequence }) => [tenantId, Number(sequence)]));
      for (const { tenantId, sequence, wake } of looking) if ((heads.get(tenantId) ?? 0) !== sequence) wake();
      trouble.over();
    } catch (error) {
      trouble.met(error);
    }
  }

  async function poll(): Promise<void> {
    while (!pause.ended) {
      await pause.unwoken(pollMs * (0.9 + Math.random() * 0.2));
      if (!pause.ended) await look();
    }
  }

  return {
    async changed(tenantId, sequence, signal) {
      if (pause.ended || signal.aborted) return;
      await new Promise<void>((resolve) => {
        const wake = () => {
          waiters.delete(waiter);
          signal.removeEventListener('abort', wake);
          resolve();
        };
        const waiter = { tenantId, sequence, wake };
        waiters.add(waiter);
        signal.addEventListener('abort', wake);
      });
    },
    start() {
      polling ??= poll();
    },
    async stop() {
      pause.end();
      for (const { wake } of waiters) wake();
      await polling;
    },
    get ended() {
      return pause.ended;
    },
  };
}
