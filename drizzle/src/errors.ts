/** The database cannot answer now; the same call may succeed in a moment. */
export class DatabaseUnavailable extends Error {
  override readonly name: string = 'DatabaseUnavailable';
  /** `BUSY`: no free connection. `TIMEOUT`: no answer in time. `LOST`: the connection broke. `CLOSED`: `close()` was called. */
  readonly reason: 'BUSY' | 'TIMEOUT' | 'LOST' | 'CLOSED';

  constructor(reason: DatabaseUnavailable['reason'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** A statement was not answered within `queryTimeoutMs`. Whether it took effect is unknown. */
export class DatabaseTimeout extends DatabaseUnavailable {
  override readonly name = 'DatabaseTimeout';

  constructor(milliseconds: number) {
    super('TIMEOUT', `the database did not answer within ${milliseconds} ms`);
  }
}

/** A failed statement was swallowed inside a transaction, so PostgreSQL answered `commit` with a rollback. */
export class TransactionRolledBack extends Error {
  override readonly name = 'TransactionRolledBack';

  constructor() {
    super('the transaction was rolled back at commit, because a statement in it failed without a savepoint');
  }
}

const unavailableCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
  'ENOTFOUND',
  'ENOENT',
  'CONNECTION_CLOSED',
  'CONNECTION_ENDED',
  'CONNECTION_DESTROYED',
  'CONNECT_TIMEOUT',
  '57014', // statement_timeout
  '57P01',
  '57P02',
  '57P03', // shut down by an administrator, after a crash, starting up
  '25P03', // idle in transaction for too long
  '53100',
  '53200',
  '53300', // disk full, out of memory, too many connections
]);

function field(error: unknown, name: 'code' | 'constraint_name'): string | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    const value: unknown = Reflect.get(at, name);
    if (typeof value === 'string') return value;
  }
  return undefined;
}

/** SQLSTATE (`23505`) of an error or its causes, or the driver's or system's own code (`ECONNREFUSED`). */
export function pgErrorCode(error: unknown): string | undefined {
  return field(error, 'code');
}

/** Name of the constraint that refused a row. */
export function constraintOf(error: unknown): string | undefined {
  return field(error, 'constraint_name');
}

/** True where the database, not the statement, is at fault: the caller may try again later. */
export function isUnavailable(error: unknown): boolean {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if (at instanceof DatabaseUnavailable) return true;
  }
  const code = pgErrorCode(error);
  return code !== undefined && (unavailableCodes.has(code) || code.startsWith('08'));
}
