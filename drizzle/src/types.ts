import type { SQL } from 'drizzle-orm';
import type postgres from 'postgres';

export interface DatabaseLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface DatabaseOptions {
  /** PostgreSQL 15 or newer. Without it the embedded database in `dataDir` is used. */
  url?: string;
  /** Folder of the embedded database; made with mode 0700. */
  dataDir?: string;
  /** Connections for `olympus_app`. Default 10; 4 on the embedded database, which runs one statement at a time anyway. */
  poolSize?: number;
  /** Connections for `olympus_system`. Default 4; 2 on the embedded database. */
  systemPoolSize?: number;
  /** The server ends a statement after this time. Default 30,000, and never above `queryTimeoutMs`. */
  statementTimeoutMs?: number;
  /** A call fails with `DatabaseTimeout` when one statement, connecting included, takes longer. Default 10,000. */
  queryTimeoutMs?: number;
  /** A call that waits for a connection fails as `BUSY` when none was given back for this long. Default 400; `queryTimeoutMs` on the embedded database. */
  stallTimeoutMs?: number;
  /** The server ends a transaction that is idle for this long. Default 30,000. */
  idleTransactionMs?: number;
  /** Total time of retrying the first connection. Default 60,000. */
  connectTimeoutMs?: number;
  /** Default: `migrations` of this package. */
  migrationsFolder?: string;
  /** Create roles, migrate and grant before answering. Default true. */
  migrate?: boolean;
  log?: DatabaseLog;
}

/**
 * How far statements reach: a tenant, or of its orders only those of some locations. Whoever calls for a principal hands
 * the principal over, so that its locations cannot be forgotten.
 */
export type Reach = string | { readonly tenantId: string; readonly locationIds: ReadonlySet<string> | null };

/** Statements of one tenant, under row-level security. */
export interface Db {
  readonly tenantId: string;
  /** Rows in the statement's order. Outside a transaction the statement must be a `select`. */
  rows<R extends object>(statement: SQL): Promise<R[]>;
  /** Rows of a `select`, `batch` at a time, in bounded memory. */
  stream<R extends object>(statement: SQL, batch: number): AsyncIterable<R[]>;
}

/** Statements under `olympus_system`, which its policies let cross tenants. */
export interface SystemDb {
  rows<R extends object>(statement: SQL): Promise<R[]>;
  stream<R extends object>(statement: SQL, batch: number): AsyncIterable<R[]>;
}

/** One connection; `close` also ends what runs on it. */
export interface SystemSession {
  rows<R extends object>(statement: SQL): Promise<R[]>;
  close(): Promise<void>;
}

/** What `transaction` adds. */
export type InTransaction<D> = D & {
  /** Undoes only its own work when it throws. */
  savepoint<T>(work: (db: InTransaction<D>) => Promise<T>): Promise<T>;
  /** Runs a statement as the last one, sent together with the commit: it costs no round trip. When it fails, all is rolled back. */
  withCommit(statement: SQL): void;
};

export interface PoolStats {
  /** Connections the pool may open. */
  size: number;
  /** Connections that calls hold now. */
  inUse: number;
  /** Calls that wait for a connection. */
  waiting: number;
}

export interface Database {
  readonly kind: 'embedded' | 'postgres';
  /** A plain client with sessions of `olympus_app`, apart from the pool. It sees no tenant's rows by itself. */
  readonly app: postgres.Sql;
  /** A plain client with sessions of `olympus_system`, apart from the pool. */
  readonly system: postgres.Sql;
  /** Single reads without a transaction. Throws a `TypeError` when an id is no UUID. */
  tenant(reach: Reach): Db;
  /** Commits when `work` resolves, rolls back when it throws. Runs `work` again, up to 3 times, after a deadlock or a serialization failure. */
  transaction<T>(reach: Reach, work: (db: InTransaction<Db>) => Promise<T>): Promise<T>;
  systemTransaction<T>(work: (db: InTransaction<SystemDb>) => Promise<T>): Promise<T>;
  readonly systemDb: SystemDb;
  /**
   * A connection of `olympus_system` apart from the pools, for what lasts as long as it does: locks and settings. It is
   * never renewed: once broken, every call fails as `LOST`.
   */
  session(): SystemSession;
  /** Resolves when both pools answer. */
  ping(): Promise<void>;
  stats(): { app: PoolStats; system: PoolStats };
  /**
   * Subscribes to NOTIFY on `channel`; the returned function ends it. After a broken connection it subscribes again by
   * itself: what was sent meanwhile is lost, so `onListening`, called at every (re)subscription, is the moment to catch up.
   */
  listen(channel: string, onPayload: (payload: string) => void, onListening?: () => void): Promise<() => Promise<void>>;
  /** Lets running calls finish for up to 5 s, then ends every connection. */
  close(): Promise<void>;
}
