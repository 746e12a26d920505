import { sql, type Database } from '@olympus/database';
import type { Logger } from 'pino';
import type { AccessChange } from '../../kernel/steps/authenticate.ts';

/** Tells every process of what ends or narrows credentials. */
export interface AccessChanges {
  /** The listener hears of what commits from now on, and of what was read in the last seconds. The returned function ends that. */
  subscribe(listener: (change: AccessChange) => void): () => void;
  start(): void;
  stop(): Promise<void>;
}

export interface AccessChangesOptions {
  readonly database: Pick<Database, 'systemDb'>;
  readonly log: Pick<Logger, 'warn'>;
  /** Default: 200. Half a second is left of the second in which a revocation must be everywhere. */
  readonly everyMs?: number;
}

interface Row extends AccessChange {
  readonly sequence: string;
}
interface Read {
  readonly horizon: string;
  readonly changes: Row[];
}

/** For which a listener that comes late is told: it may have read its principal before, and have been slow to listen. */
const rememberedMs = 3_000;

/**
 * Reads `access_changes` a few times a second: one look-up in an index, however many streams are open. The database's
 * triggers write it in the transaction that makes the change, so nothing is lost with a message, and no writer can forget.
 * Each read begins where the oldest transaction stood that was open at the read before, so none that commits late is missed.
 */
export function createAccessChanges({ database, log, everyMs = 200 }: AccessChangesOptions): AccessChanges {
  const listeners = new Set<(change: AccessChange) => void>();
  let horizon: string | null = null;
  let recent: { readonly row: Row; readonly at: number }[] = [];
  let seen = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let reading: Promise<void> = Promise.resolve();
  let stopped = false;
  let failing = false;

  const read = async (): Promise<void> => {
    const { horizon: next, changes } = await readChanges(database, horizon);
    const news = changes.filter(({ sequence }) => !seen.has(sequence));
    seen = new Set(changes.map(({ sequence }) => sequence));
    horizon = next;
    const at = performance.now();
    recent = [...recent.filter((one) => at - one.at < rememberedMs), ...news.map((row) => ({ row, at }))];
    for (const { kind, id } of news) for (const listener of listeners) listener({ kind, id });
  };
  const tick = async (): Promise<void> => {
    try {
      await read();
      failing = false;
    } catch (error) {
      // The next read begins where this one should have: an absent database costs time, and nothing is passed over.
      if (!failing) log.warn({ err: error }, 'revocations cannot be read and will be as soon as the database answers');
      failing = true;
    }
    if (!stopped) timer = setTimeout(run, everyMs).unref();
  };
  const run = (): void => {
    reading = tick();
  };

  return {
    subscribe(listener) {
      const own = (change: AccessChange) => listener(change);
      listeners.add(own);
      const now = performance.now();
      for (const { row, at } of recent) if (now - at < rememberedMs) own({ kind: row.kind, id: row.id });
      return () => void listeners.delete(own);
    },
    start: run,
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await reading;
    },
  };
}

/** What has committed since `horizon`, and where the next read begins. The first reads nothing. */
async function readChanges({ systemDb }: Pick<Database, 'systemDb'>, horizon: string | null): Promise<Read> {
  const [row] = await systemDb.rows<{ horizon: string; changes: Row[] }>(sql`
    select pg_snapshot_xmin(pg_current_snapshot())::text as horizon, coalesce(
      (select json_agg(json_build_object('sequence', c.sequence::text, 'kind', c.kind, 'id', c.subject_id))
       from access_changes c
       where c.transaction >= ${horizon}::text::xid8 and c.changed_at > clock_timestamp() - interval '1 hour'), '[]') as changes`);
  return row ?? { horizon: horizon ?? '0', changes: [] };
}
