import { sql } from 'drizzle-orm';
import { bigint, bigserial, index, integer, jsonb, pgTable, primaryKey, text, unique, uuid } from 'drizzle-orm/pg-core';
import { instant, systemPolicy, tenantId, tenantPolicy } from '../columns.ts';

/**
 * Outbox and log in one: a row commits with the state it tells of, and the relay gives it
 * its place. Only placed events are read, so that a reader never meets an earlier one later.
 */
export const events = pgTable(
  'events',
  {
    sequence: bigserial({ mode: 'number' }).primaryKey(),
    tenantId: tenantId(),
    /** From 1, without gaps within a tenant, in the order of commits; null until the relay has placed the event. */
    position: bigint({ mode: 'number' }),
    topic: text().notNull(),
    type: text().notNull(),
    version: integer().notNull(),
    subjectId: uuid('subject_id'),
    payload: jsonb().notNull(),
    requestId: text('request_id'),
    createdAt: instant('created_at').notNull(),
  },
  (t) => [
    unique('events_position').on(t.tenantId, t.position),
    index('events_unplaced')
      .on(t.sequence)
      .where(sql`position is null`),
    index('events_age').on(t.createdAt),
    tenantPolicy('events'),
    systemPolicy('events', 'all', 'relay'),
  ],
);

/** The last position given in each tenant, and the epoch that makes its event ids its own. */
export const eventHeads = pgTable(
  'event_heads',
  { tenantId: tenantId().primaryKey(), epoch: text().notNull(), position: bigint({ mode: 'number' }).notNull() },
  () => [tenantPolicy('event_heads'), systemPolicy('event_heads', 'all', 'relay')],
);

/** The first answer to each key, kept for its replay. */
export const idempotencyKeys = pgTable(
  'idempotency_keys',
  {
    tenantId: tenantId(),
    principal: text().notNull(),
    key: text().notNull(),
    procedure: text().notNull(),
    inputHash: text('input_hash').notNull(),
    /** `{ ok: true, value }` or `{ ok: false, code, data }`, dates marked. */
    answer: jsonb().notNull(),
    createdAt: instant('created_at').notNull(),
    expiresAt: instant('expires_at').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.principal, t.key] }),
    index('idempotency_keys_expiry').on(t.expiresAt),
    tenantPolicy('idempotency_keys'),
    systemPolicy('idempotency_keys', 'all', 'expiry'),
  ],
);
