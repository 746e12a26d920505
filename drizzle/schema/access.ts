import {
  bigserial,
  customType,
  foreignKey,
  index,
  integer,
  pgTable,
  primaryKey,
  text,
  uuid,
} from 'drizzle-orm/pg-core';
import { sql } from 'drizzle-orm';
import { id, instant, stamps, systemPolicy, tenantId, tenantPolicy } from '../columns.ts';
import { users } from './identity.ts';

/** Keys of partners. Their secrets are kept as hashes; the prefix finds a key before its tenant is known. */
export const apiKeys = pgTable(
  'api_keys',
  {
    tenantId: tenantId(),
    id: id(),
    name: text().notNull(),
    prefix: text().notNull().unique('api_keys_prefix'),
    secretHash: text('secret_hash').notNull(),
    /** The secret before the last rotation, while it goes on. */
    previousHash: text('previous_hash'),
    previousUntil: instant('previous_until'),
    scopes: text().array().notNull(),
    callsPerSecond: integer('calls_per_second'),
    createdBy: uuid('created_by').notNull(),
    expiresAt: instant('expires_at'),
    lastUsedAt: instant('last_used_at'),
    revokedAt: instant('revoked_at'),
    ...stamps(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    foreignKey({
      name: 'api_keys_creator',
      columns: [t.tenantId, t.createdBy],
      foreignColumns: [users.tenantId, users.id],
    }),
    index('api_keys_created').on(t.tenantId, t.createdAt, t.id),
    tenantPolicy('api_keys'),
    systemPolicy('api_keys', 'all', 'sign_in'),
  ],
);

const xid8 = customType<{ data: string }>({ dataType: () => 'xid8' });

/**
 * Whose credentials have to be looked at again, written by triggers on the tables that credentials depend on. Read by
 * transaction, so that no reader passes over what commits late.
 */
export const accessChanges = pgTable(
  'access_changes',
  {
    sequence: bigserial({ mode: 'number' }).primaryKey(),
    tenantId: tenantId(),
    /** `tenant`, `user`, `session` or `key`. */
    kind: text().notNull(),
    subjectId: uuid('subject_id').notNull(),
    transaction: xid8()
      .notNull()
      .default(sql`pg_current_xact_id()`),
    changedAt: instant('changed_at')
      .notNull()
      .default(sql`clock_timestamp()`),
  },
  (t) => [
    index('access_changes_transaction').on(t.transaction),
    tenantPolicy('access_changes'),
    systemPolicy('access_changes', 'all', 'revocation'),
  ],
);
