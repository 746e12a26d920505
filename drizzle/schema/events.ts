import { sql } from 'drizzle-orm';
import { bigint, bigserial, index, integer, jsonb, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { instant, systemPolicy, tenantId, tenantPolicy } from '../columns.ts';

/**
 * Outbox and log in one: a row commits with the state it tells of, and the relay gives it
 * its place. Only placed events are read, so that a reader never meets an earlier one later.
 *
 * Partitioned by ranges of `sequence` into segments, which drizzle cannot say: the functions of the migration that began it
 * make each with a unique index on (tenant_id, position) of its own.
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
    index('events_unplaced')
      .on(t.sequence)
      .where(sql`position is null`),
    tenantPolicy('events'),
    systemPolicy('events', 'all', 'relay'),
  ],
);

/** The last position given in each tenant, and the epoch that makes its event ids its own. */
export const eventHeads = pgTable(
  'event_heads',
  {
    tenantId: tenantId().primaryKey(),
    epoch: text().notNull(),
    position: bigint({ mode: 'number' }).notNull(),
    /** From here on every event is kept. Moved before a segment is dropped. */
    oldest: bigint({ mode: 'number' }).notNull().default(1),
  },
  () => [tenantPolicy('event_heads'), systemPolicy('event_heads', 'all', 'relay')],
);

/** The partitions of `events`: the one that is written to, the next one, and those before, whose time is kept here. */
export const eventSegments = pgTable(
  'event_segments',
  {
    /** Of `events_<number>`, which holds the sequences from number × 2²⁸ on. */
    number: bigint({ mode: 'number' }).primaryKey(),
    /** When events began to go there; null: not yet. */
    openedAt: instant('opened_at'),
    /** From when on they go to the next one. */
    closedAt: instant('closed_at'),
  },
  () => [systemPolicy('event_segments', 'all', 'retention')],
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
