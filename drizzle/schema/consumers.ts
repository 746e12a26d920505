import { sql } from 'drizzle-orm';
import { bigint, bigserial, index, integer, jsonb, pgTable, primaryKey, text, unique, uuid } from 'drizzle-orm/pg-core';
import { id, instant, systemPolicy, tenantId, tenantPolicy } from '../columns.ts';

/** Which process serves which part of the tenants for a consumer; by the database's clock. */
export const consumerLeases = pgTable(
  'consumer_leases',
  {
    consumer: text().notNull(),
    shard: integer().notNull(),
    /** Made anew by each process. */
    holder: text().notNull(),
    expiresAt: instant('expires_at').notNull(),
  },
  (t) => [primaryKey({ columns: [t.consumer, t.shard] }), systemPolicy('consumer_leases', 'all', 'consumers')],
);

/** The processes that serve a consumer, which share its parts of the tenants evenly; by the database's clock. */
export const consumerMembers = pgTable(
  'consumer_members',
  {
    consumer: text().notNull(),
    holder: text().notNull(),
    expiresAt: instant('expires_at').notNull(),
  },
  (t) => [primaryKey({ columns: [t.consumer, t.holder] }), systemPolicy('consumer_members', 'all', 'consumers')],
);

/** How far a consumer has come in a tenant's log, and in each replay of a part of it. */
export const consumerOffsets = pgTable(
  'consumer_offsets',
  {
    tenantId: tenantId(),
    consumer: text().notNull(),
    /** `live`, or the id of a replay. */
    lane: text().notNull(),
    epoch: text().notNull(),
    /** Every event up to here is handled, or stands in `consumer_deliveries`. */
    position: bigint({ mode: 'number' }).notNull(),
    /** The last position of a replay; null for the live lane. */
    untilPosition: bigint('until_position', { mode: 'number' }),
    /** What a replay is kept to; null for the live lane. */
    types: text().array(),
    fromAt: instant('from_at'),
    toAt: instant('to_at'),
    updatedAt: instant('updated_at').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.consumer, t.lane] }),
    index('consumer_offsets_open')
      .on(t.consumer)
      .where(sql`position < until_position`),
    tenantPolicy('consumer_offsets'),
    systemPolicy('consumer_offsets', 'all', 'consumers'),
  ],
);

/** Events that a consumer could not handle yet, and those that wait behind them for the sake of order. */
export const consumerDeliveries = pgTable(
  'consumer_deliveries',
  {
    tenantId: tenantId(),
    id: id(),
    /** Order of a subject's events within a lane. */
    ordinal: bigserial({ mode: 'number' }).notNull(),
    consumer: text().notNull(),
    lane: text().notNull(),
    /** What order is kept for: the event's subject, or the event itself where it has none. */
    subjectKey: text('subject_key').notNull(),
    /** `retrying`: due at `due_at`; `dead`: given up; `held`: behind an earlier one of its subject. */
    state: text().notNull(),
    dueAt: instant('due_at'),
    attempts: integer().notNull(),
    /** Why the last attempt failed, without secrets. */
    error: text(),
    failedAt: instant('failed_at'),
    eventId: text('event_id').notNull(),
    type: text().notNull(),
    eventVersion: integer('event_version').notNull(),
    subjectId: uuid('subject_id'),
    payload: jsonb().notNull(),
    /** Who last changed the payload by hand. */
    editedBy: uuid('edited_by'),
    requestId: text('request_id'),
    occurredAt: instant('occurred_at').notNull(),
    createdAt: instant('created_at').notNull(),
    version: integer().notNull().default(1),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    unique('consumer_deliveries_event').on(t.tenantId, t.consumer, t.lane, t.eventId),
    index('consumer_deliveries_subject').on(t.tenantId, t.consumer, t.lane, t.subjectKey, t.ordinal),
    index('consumer_deliveries_due')
      .on(t.consumer, t.dueAt)
      .where(sql`state = 'retrying'`),
    index('consumer_deliveries_listed').on(t.tenantId, t.state, t.createdAt, t.id),
    tenantPolicy('consumer_deliveries'),
    systemPolicy('consumer_deliveries', 'all', 'consumers'),
  ],
);

/** Events whose effects a consumer has committed, so that one that comes again changes nothing. */
export const consumedEvents = pgTable(
  'consumed_events',
  {
    tenantId: tenantId(),
    consumer: text().notNull(),
    /** Of the event, and of the replay that it came by. */
    delivery: text().notNull(),
    expiresAt: instant('expires_at').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.consumer, t.delivery] }),
    index('consumed_events_expiry').on(t.expiresAt),
    tenantPolicy('consumed_events'),
    systemPolicy('consumed_events', 'all', 'expiry'),
  ],
);
