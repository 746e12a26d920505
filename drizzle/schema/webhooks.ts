import { sql } from 'drizzle-orm';
import {
  boolean,
  foreignKey,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  unique,
  uuid,
} from 'drizzle-orm/pg-core';
import { id, instant, stamps, systemPolicy, tenantId, tenantPolicy } from '../columns.ts';

/** Where partners want to be told of events. */
export const webhookEndpoints = pgTable(
  'webhook_endpoints',
  {
    tenantId: tenantId(),
    id: id(),
    url: text().notNull(),
    types: text().array().notNull(),
    active: boolean().notNull(),
    /** `gone` or `failing` where the server has switched it off. */
    disabledReason: text('disabled_reason'),
    /** Of the first failure since the last success. */
    failingSince: instant('failing_since'),
    /** Sealed for this endpoint; the one before the last rotation signs too, for a while. */
    secret: text().notNull(),
    previousSecret: text('previous_secret'),
    previousUntil: instant('previous_until'),
    createdBy: uuid('created_by').notNull(),
    ...stamps(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    tenantPolicy('webhook_endpoints'),
    systemPolicy('webhook_endpoints', 'all', 'sending'),
  ],
);

/** Events on their way to an endpoint, and those of the last 30 days that came there or did not. */
export const webhookDeliveries = pgTable(
  'webhook_deliveries',
  {
    tenantId: tenantId(),
    id: id(),
    endpointId: uuid('endpoint_id').notNull(),
    /** The same at every attempt: the receiver's key against repetition. */
    messageId: text('message_id').notNull(),
    type: text().notNull(),
    payload: jsonb().notNull(),
    occurredAt: instant('occurred_at').notNull(),
    /** `pending`: due at `due_at`, `delivered`, or `failed`: given up. */
    state: text().notNull(),
    dueAt: instant('due_at'),
    /** Since the delivery was last asked for. */
    attemptCount: integer('attempt_count').notNull(),
    /** `[{ at, status, error, milliseconds }]`, oldest first. */
    attempts: jsonb().notNull(),
    createdAt: instant('created_at').notNull(),
    expiresAt: instant('expires_at').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    unique('webhook_deliveries_message').on(t.tenantId, t.endpointId, t.messageId),
    foreignKey({
      name: 'webhook_deliveries_endpoint',
      columns: [t.tenantId, t.endpointId],
      foreignColumns: [webhookEndpoints.tenantId, webhookEndpoints.id],
    }).onDelete('cascade'),
    index('webhook_deliveries_listed').on(t.tenantId, t.endpointId, t.createdAt, t.id),
    index('webhook_deliveries_due')
      .on(t.dueAt)
      .where(sql`state = 'pending'`),
    index('webhook_deliveries_expiry').on(t.expiresAt),
    tenantPolicy('webhook_deliveries'),
    systemPolicy('webhook_deliveries', 'all', 'sending'),
  ],
);
