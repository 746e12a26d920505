import { sql } from 'drizzle-orm';
import { bigint, boolean, foreignKey, index, integer, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { instant, money, stamps, systemPolicy, tenantId, tenantPolicy } from '../columns.ts';
import { orders } from './orders.ts';

/** How far the payment of an order has come. Changed only under the lock of its order. */
export const orderWorkflows = pgTable(
  'order_workflows',
  {
    tenantId: tenantId(),
    orderId: uuid('order_id').notNull(),
    /** `running`, `waiting` for the order to be fulfilled or cancelled, `finished`, or `failed`: somebody must look. */
    state: text().notNull(),
    amount: money('amount').notNull(),
    currency: text().notNull(),
    /** What the provider takes the money by; null once it has answered. */
    method: text(),
    /** The provider's name for what it holds. */
    reference: text(),
    /** The call that was made last, how often in a row, and whether what came of it is not known. */
    action: text(),
    attempts: integer().notNull().default(0),
    unanswered: boolean().notNull().default(false),
    /** Until then the call is under way, and nobody else makes one. */
    busyUntil: instant('busy_until'),
    /** Until then an authorization that nobody knows of may still come about; null: none was asked for. */
    lateUntil: instant('late_until'),
    /** When there is something to do; null: nothing. */
    dueAt: instant('due_at'),
    /** Until then the payment must be authorized, and later the order fulfilled. */
    deadlineAt: instant('deadline_at').notNull(),
    /** Why it ended as it did. */
    reason: text(),
    ...stamps(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.orderId] }),
    foreignKey({
      name: 'order_workflows_order',
      columns: [t.tenantId, t.orderId],
      foreignColumns: [orders.tenantId, orders.id],
    }).onDelete('cascade'),
    index('order_workflows_due')
      .on(t.dueAt)
      .where(sql`due_at is not null`),
    tenantPolicy('order_workflows'),
    systemPolicy('order_workflows', 'select', 'sweep'),
  ],
);

/** What has happened in a workflow: added to, never changed. */
export const orderWorkflowSteps = pgTable(
  'order_workflow_steps',
  {
    tenantId: tenantId(),
    orderId: uuid('order_id').notNull(),
    /** From 1, without gaps. */
    sequence: integer().notNull(),
    step: text().notNull(),
    outcome: text().notNull(),
    attempt: integer(),
    reason: text(),
    reference: text(),
    /** Who did it; null: the workflow. */
    userId: uuid('user_id'),
    at: instant('at').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.orderId, t.sequence] }),
    foreignKey({
      name: 'order_workflow_steps_workflow',
      columns: [t.tenantId, t.orderId],
      foreignColumns: [orderWorkflows.tenantId, orderWorkflows.orderId],
    }).onDelete('cascade'),
    tenantPolicy('order_workflow_steps'),
  ],
);

/** The books of the payment provider that stands in for one in development. It is a world of its own, and knows no tenants. */
export const simulatedPayments = pgTable(
  'simulated_payments',
  {
    ordinal: bigint({ mode: 'number' }).generatedAlwaysAsIdentity().notNull(),
    /** The caller's key against repetition. */
    key: text().primaryKey(),
    kind: text().notNull(),
    /** The name of the authorization that it makes or is about. */
    reference: text().notNull(),
    method: text().notNull(),
    amount: money('amount').notNull(),
    currency: text().notNull(),
    /** null where it was done. */
    refused: text(),
    /** Requests that came with this key. */
    requests: integer().notNull().default(1),
    /** Before this it is on its way, and nobody is told of it. */
    effectiveAt: instant('effective_at').notNull(),
  },
  (t) => [
    index('simulated_payments_reference').on(t.reference),
    systemPolicy('simulated_payments', 'all', 'simulator'),
  ],
);
