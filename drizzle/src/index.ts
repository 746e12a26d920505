export { sql, type SQL } from 'drizzle-orm';
export { array, json } from './arrays.ts';
export { openDatabase } from './connect.ts';
export { DataFolderInUse } from './embedded/lock.ts';
export {
  DatabaseTimeout,
  DatabaseUnavailable,
  TransactionRolledBack,
  constraintOf,
  isUnavailable,
  pgErrorCode,
} from './errors.ts';
export { atEveryLocation } from './every-location.ts';
export { jobsSchema, roles } from './roles.ts';
export { given } from './statement.ts';
export type {
  Database,
  DatabaseLog,
  DatabaseOptions,
  Db,
  InTransaction,
  PoolStats,
  Reach,
  SystemDb,
  SystemSession,
} from './types.ts';
