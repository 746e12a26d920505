import { sql } from 'drizzle-orm';
import {
  bigint,
  customType,
  index,
  integer,
  jsonb,
  pgPolicy,
  pgTable,
  primaryKey,
  text,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import { appRole, id, instant, ofTenant, systemPolicy, tenantId } from '../columns.ts';

const bytes = customType<{ data: Uint8Array }>({ dataType: () => 'bytea' });
const sealed = sql`sequence is not null`;

/**
 * Who did what: a row commits with the state that it tells of, and the sealing gives it its place and its hash. Triggers
 * refuse every other change; what is old goes once a checkpoint of `audit_heads` stands for it.
 */
export const auditEntries = pgTable(
  'audit_entries',
  {
    tenantId: tenantId(),
    id: id(),
    /** From 1, without gaps within a tenant, in the order of commits; null until the entry is sealed. */
    sequence: bigint({ mode: 'number' }),
    /** SHA-256 over the hash before it and the entry's canonical JSON. */
    hash: bytes(),
    createdAt: instant('created_at').notNull(),
    outcome: text().notNull(),
    /** The failure's; null for a success. */
    code: text(),
    procedure: text().notNull(),
    resourceType: text('resource_type').notNull(),
    resourceId: text('resource_id'),
    userId: uuid('user_id'),
    apiKeyId: uuid('api_key_id'),
    actorUserId: uuid('actor_user_id'),
    actorReason: text('actor_reason'),
    /** Calls that the entry stands for; above 1 for a flood of denials only. */
    count: integer().notNull(),
    input: jsonb(),
    before: jsonb(),
    after: jsonb(),
    protocol: text(),
    address: text(),
    userAgent: text('user_agent'),
    requestId: text('request_id'),
    traceId: text('trace_id'),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    // Of sealed entries only: a mutation, which writes an unsealed one, does not pay for them.
    uniqueIndex('audit_entries_sequence').on(t.tenantId, t.sequence).where(sealed),
    index('audit_entries_user').on(t.tenantId, t.userId, t.sequence).where(sealed),
    index('audit_entries_resource').on(t.tenantId, t.resourceId, t.sequence).where(sealed),
    index('audit_entries_unsealed')
      .on(t.id)
      .where(sql`sequence is null`),
    pgPolicy('audit_entries_of_tenant', { for: 'select', to: appRole, using: ofTenant }),
    pgPolicy('audit_entries_append', {
      for: 'insert',
      to: appRole,
      withCheck: sql`${ofTenant} and sequence is null and hash is null`,
    }),
    systemPolicy('audit_entries', 'all', 'sealing'),
  ],
);

/** Where each tenant's chain ends, and where what is kept of it begins. */
export const auditHeads = pgTable(
  'audit_heads',
  {
    tenantId: tenantId().primaryKey(),
    sequence: bigint({ mode: 'number' }).notNull(),
    hash: bytes().notNull(),
    sealedAt: instant('sealed_at').notNull(),
    /** The last entry that may be dropped; 0: all are kept. */
    startSequence: bigint('start_sequence', { mode: 'number' }).notNull(),
    /** The hash that the first kept entry follows. */
    startHash: bytes('start_hash').notNull(),
  },
  () => [
    pgPolicy('audit_heads_of_tenant', { for: 'select', to: appRole, using: ofTenant }),
    systemPolicy('audit_heads', 'all', 'sealing'),
  ],
);
