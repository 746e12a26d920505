import type { OrderWorkflowEntry, WorkflowOutcome, WorkflowStep } from '@olympus/contracts';
import { json, sql, type Db, type InTransaction, type SystemDb } from '@olympus/database';
import type { Flow } from './next.ts';

/** What is added to the history of an order. */
export interface NewStep {
  readonly orderId: string;
  readonly step: WorkflowStep;
  readonly outcome: WorkflowOutcome;
  readonly attempt?: number | null;
  readonly reason?: string | null;
  readonly reference?: string | null;
  /** null: the workflow itself. */
  readonly userId?: string | null;
}

export interface NewFlow {
  readonly orderId: string;
  readonly amount: string;
  readonly currency: string;
  readonly method: string;
  readonly deadlineAt: Date;
}

const flowColumns = sql`
  o.id as "orderId", o.status as "orderStatus", o.payment_status as "paymentStatus", w.state, w.amount, w.currency, w.method,
  w.reference, w.action, w.attempts, w.unanswered, w.busy_until as "busyUntil", w.late_until as "lateUntil",
  w.due_at as "dueAt", w.deadline_at as "deadlineAt", w.reason, w.version`;

export async function findFlow(db: Db, orderId: string): Promise<Flow | undefined> {
  const [flow] = await db.rows<Flow>(sql`
    select ${flowColumns} from order_workflows w join orders o on o.tenant_id = w.tenant_id and o.id = w.order_id
    where w.tenant_id = ${db.tenantId}::uuid and w.order_id = ${orderId}::uuid`);
  return flow;
}

/** The same, with the order locked until the transaction ends: nobody else changes either of them. */
export async function lockFlow(db: InTransaction<Db>, orderId: string): Promise<Flow | undefined> {
  await db.rows(sql`
    select id from orders where tenant_id = ${db.tenantId}::uuid and id = ${orderId}::uuid for no key update`);
  return findFlow(db, orderId);
}

export const insertFlows = (db: Db, flows: readonly NewFlow[], now: Date) =>
  db.rows(sql`
    insert into order_workflows (tenant_id, order_id, state, amount, currency, method, due_at, deadline_at, created_at, updated_at)
    select ${db.tenantId}::uuid, f."orderId", 'running', f.amount, f.currency, f.method, ${now}, f."deadlineAt", ${now}, ${now}
    from jsonb_to_recordset(${json(flows)}::text::jsonb)
      as f ("orderId" uuid, amount numeric, currency text, method text, "deadlineAt" timestamptz)`);

type Changes = Pick<
  Flow,
  'state' | 'method' | 'reference' | 'action' | 'attempts' | 'unanswered' | 'busyUntil' | 'lateUntil'
> &
  Pick<Flow, 'dueAt' | 'deadlineAt' | 'reason'>;

/** Writes a locked workflow as it is now; resolves to its version. */
export async function updateFlow(db: Db, { orderId, ...flow }: Changes & { orderId: string }, now: Date) {
  const [row] = await db.rows<{ version: number }>(sql`
    update order_workflows set state = ${flow.state}, method = ${flow.method}, reference = ${flow.reference},
      action = ${flow.action}, attempts = ${flow.attempts}, unanswered = ${flow.unanswered}, busy_until = ${flow.busyUntil},
      late_until = ${flow.lateUntil}, due_at = ${flow.dueAt}, deadline_at = ${flow.deadlineAt}, reason = ${flow.reason},
      updated_at = ${now}, version = version + 1
    where tenant_id = ${db.tenantId}::uuid and order_id = ${orderId}::uuid returning version`);
  if (!row) throw new Error('a locked workflow was not there to be changed');
  return row.version;
}

/** Says of workflows whose orders have moved that there is something to do. A call that is under way stays valid. */
export const makeDue = (db: Db, orderIds: readonly string[], now: Date) =>
  db.rows(sql`
    update order_workflows set due_at = ${now}, updated_at = ${now},
      state = case when state = 'failed' then state else 'running' end
    where tenant_id = ${db.tenantId}::uuid and order_id in (
      select id::uuid from jsonb_array_elements_text(${json(orderIds)}::text::jsonb) as moved (id))`);

/** Appends to the histories of locked orders, in the order given. */
export async function addSteps(db: Db, steps: readonly NewStep[], now: Date): Promise<void> {
  if (steps.length === 0) return;
  await db.rows(sql`
    insert into order_workflow_steps
      (tenant_id, order_id, sequence, step, outcome, attempt, reason, reference, user_id, at)
    select ${db.tenantId}::uuid, (s.row ->> 'orderId')::uuid,
           row_number() over (partition by s.row ->> 'orderId' order by s.turn) + coalesce((
             select max(sequence) from order_workflow_steps h
             where h.tenant_id = ${db.tenantId}::uuid and h.order_id = (s.row ->> 'orderId')::uuid), 0),
           s.row ->> 'step', s.row ->> 'outcome', (s.row ->> 'attempt')::int, s.row ->> 'reason', s.row ->> 'reference',
           (s.row ->> 'userId')::uuid, ${now}
    from jsonb_array_elements(${json(steps)}::text::jsonb) with ordinality as s (row, turn)`);
}

export const findSteps = (db: Db, orderId: string): Promise<OrderWorkflowEntry[]> =>
  db.rows<OrderWorkflowEntry>(sql`
    select sequence, step, outcome, attempt, reason, reference, user_id as "userId", at from order_workflow_steps
    where tenant_id = ${db.tenantId}::uuid and order_id = ${orderId}::uuid order by sequence`);

/** Workflows of all tenants that should have gone on by `before`. */
export const findOverdue = (db: SystemDb, before: Date) =>
  db.rows<{ tenantId: string; orderId: string }>(sql`
    select tenant_id as "tenantId", order_id as "orderId" from order_workflows
    where due_at <= ${before} order by due_at limit 1000`);
