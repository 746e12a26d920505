import { sql, type Database, type SQL, type SystemSession } from '@olympus/database';

/** The time of being the one that leads. What runs on it cannot take effect once the lead is lost. */
export interface Term {
  rows<R extends object>(statement: SQL): Promise<R[]>;
}

export interface Leadership {
  /** Takes the lead if nobody has it; null while another has. */
  acquire(): Promise<Term | null>;
  /** Gives the lead back, if it is held. */
  release(): Promise<void>;
}

/** Any number will do, as long as nothing else in the database locks it. */
const relayLock = '7265109872';
/** A leader that was stopped or cut off without a word is put out by the server after this time. It must speak more often. */
const silenceMs = 3000;

/** `lock` tells one work that is led from another. */
export const createLeadership = (database: Database, lock: string = relayLock): Leadership =>
  database.kind === 'postgres' ? lockedSession(database, lock) : onlyProcess(database, lock);

/** The session that holds the lock also does the work, so that whoever loses the one cannot do the other. */
function lockedSession(database: Database, lock: string): Leadership {
  let session: SystemSession | null = null;
  const release = async () => {
    const given = session;
    session = null;
    await given?.close();
  };
  return {
    async acquire() {
      const candidate = (session ??= database.session());
      try {
        const [row] = await candidate.rows<{ held: boolean }>(sql`
          select pg_try_advisory_lock(${lock}::bigint) as held,
                 set_config('idle_session_timeout', ${String(silenceMs)}, false)`);
        return row?.held ? candidate : null;
      } catch (error) {
        await release();
        throw error;
      }
    },
    release,
  };
}

const led = new WeakMap<Database, Set<string>>();

/** The embedded database has one process, whose connections would share a lock of the session. */
function onlyProcess(database: Database, lock: string): Leadership {
  const locks = led.get(database) ?? new Set();
  led.set(database, locks);
  let held = false;
  return {
    async acquire() {
      if (locks.has(lock)) return null;
      locks.add(lock);
      held = true;
      return database.systemDb;
    },
    async release() {
      if (held) locks.delete(lock);
      held = false;
    },
  };
}
