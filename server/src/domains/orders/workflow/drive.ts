import type { Database, Db, InTransaction } from '@olympus/database';
import type { Logger } from 'pino';
import { ownEntry } from '../../../audit/entry.ts';
import { insertEntry } from '../../../audit/rows.ts';
import { errorText } from '../../../platform/error-text.ts';
import { Failure } from '../../../kernel/failure.ts';
import type { Clock } from '../../../platform/clock.ts';
import type { Ids } from '../../../platform/ids.ts';
import type { PaymentProvider } from '../../../platform/payments/provider.ts';
import { applyChanges } from '../changes.ts';
import { settling } from '../revise.ts';
import { call, type Attempt } from './calls.ts';
import { claimMs, lateMs, nextOf, type Action, type Flow, type Next, type Patience } from './next.ts';
import { addSteps, lockFlow, updateFlow } from './repository.ts';
import { expiryOf, outcomeOf, untouchedOf, type Outcome } from './settle.ts';

export interface DriverOptions {
  readonly database: Database;
  readonly provider: PaymentProvider;
  readonly patience: Patience;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Pick<Logger, 'error' | 'warn'>;
  readonly random?: () => number;
  /** Told of what has committed: whose answers are stale. */
  readonly onCommit?: (tenantId: string, tags: ReadonlySet<string>) => void;
  /** Told where the workflow is, which goes on when it is answered; for tests that end the process there. */
  readonly onBoundary?: (at: Boundary) => Promise<void>;
}

/** Between two steps: a call is noted as `begun`, the provider was `called`, and what came of it is `noted`. */
export interface Boundary {
  readonly tenantId: string;
  readonly orderId: string;
  readonly point: 'received' | 'sent' | 'expired' | `${'begun' | 'called' | 'noted'} ${Action}`;
}
export type OrderJob = Pick<Boundary, 'tenantId' | 'orderId'>;

/** Far more than a workflow ever does in a row. */
const maxTurns = 20;

/**
 * Takes a workflow as far as it goes now: resolves to when it goes on, or null when it does so by itself no more. Each step is a
 * transaction under the lock of the order. Calls to the provider are made outside of any, between one that notes them as begun
 * and one that notes what came of them; whoever finds one begun and not ended asks the provider what came of it.
 */
export function createDriver(options: DriverOptions): (job: OrderJob) => Promise<Date | null> {
  const { database, provider, patience, clock, ids, log, random = Math.random } = options;
  const { onCommit, onBoundary = async () => {} } = options;

  async function transact<T>(tenantId: string, work: (step: StepContext) => Promise<T>): Promise<T> {
    const stale = new Set<string>();
    const result = await database.transaction(tenantId, (db) => {
      stale.clear();
      return work({ db, stale, now: clock.now() });
    });
    onCommit?.(tenantId, stale);
    return result;
  }

  /** Writes an outcome: the workflow, its history, and the order with its stock and event. */
  async function write({ db, stale, now }: StepContext, flow: Flow, outcome: Outcome): Promise<void> {
    const { orderId } = flow;
    const next = { ...flow, ...outcome.flow };
    if (outcome.order && (outcome.order.status || outcome.order.paymentStatus !== flow.paymentStatus)) {
      const ctx = { db, stale, clock: { now: () => now }, requestId: 'order-workflow', principal: null };
      const [order] = await applyChanges(ctx, [settling(orderId, outcome.order)]);
      if (!order || order instanceof Failure) throw order ?? new Error('no order was changed');
      const { status, paymentStatus } = order;
      const facts = { tenantId: db.tenantId, id: ids.next(), createdAt: now, procedure: 'orders.workflow' };
      const entry = ownEntry({
        ...facts,
        input: { id: orderId },
        after: { status, paymentStatus, reason: next.reason },
      });
      insertEntry(db, { ...entry, resourceId: orderId });
    }
    await updateFlow(db, next, now);
    await addSteps(
      db,
      outcome.steps.map((step) => ({ ...step, orderId })),
      now,
    );
    if (next.state === 'failed')
      log.error(
        { tenantId: db.tenantId, orderId, reason: next.reason },
        'the payment of an order needs somebody to look',
      );
  }

  /** Notes that a call is about to be made. */
  async function begin({ db, now }: StepContext, flow: Flow, action: Action): Promise<Attempt> {
    const isSame = flow.action === action;
    const attempt = isSame ? flow.attempts + 1 : 1;
    const busyUntil = new Date(now.getTime() + claimMs(patience));
    const lateUntil = action === 'authorize' ? new Date(busyUntil.getTime() + lateMs(patience)) : flow.lateUntil;
    const begun = {
      ...flow,
      state: 'running',
      action,
      attempts: attempt,
      unanswered: true,
      busyUntil,
      lateUntil,
      dueAt: busyUntil,
    } as const;
    const version = await updateFlow(db, begun, now);
    await addSteps(db, [{ orderId: flow.orderId, step: action, outcome: 'begun', attempt }], now);
    return { tenantId: db.tenantId, flow, action, attempt, ask: isSame && flow.unanswered, version };
  }

  const step = ({ tenantId, orderId }: OrderJob): Promise<{ next: Next; attempt?: Attempt }> =>
    transact(tenantId, async (context) => {
      const flow = await lockFlow(context.db, orderId);
      const next: Next = flow ? nextOf(flow, context.now) : { do: 'rest' };
      if (!flow) return { next };
      if (next.do === 'call') return { next, attempt: await begin(context, flow, next.action) };
      if (next.do === 'expire') await write(context, flow, expiryOf(flow, context.now));
      if (next.do === 'finish') await write(context, flow, untouchedOf(flow));
      return { next };
    });

  async function make(attempt: Attempt): Promise<void> {
    const { tenantId, action } = attempt;
    const { orderId } = attempt.flow;
    await onBoundary({ tenantId, orderId, point: `begun ${action}` });
    const result = await call(provider, attempt, patience.callMs);
    await onBoundary({ tenantId, orderId, point: `called ${action}` });
    // Told to the operator only: errors may name what stands behind the provider.
    if (result.kind === 'failed')
      log.warn({ tenantId, orderId, action, error: errorText(result.error) }, 'a payment will be tried again');
    await transact(tenantId, async (context) => {
      const flow = await lockFlow(context.db, orderId);
      // Taken for dead, and overtaken: whoever came after has asked the provider by the same key.
      if (flow?.version !== attempt.version) return;
      await write(context, flow, outcomeOf(flow, { ...attempt, result }, { now: context.now, patience, random }));
    });
    await onBoundary({ tenantId, orderId, point: `noted ${action}` });
  }

  return async (job) => {
    for (let turn = 0; turn < maxTurns; turn++) {
      const { next, attempt } = await step(job);
      if (attempt) await make(attempt);
      else if (next.do === 'wait') return next.until;
      else if (next.do === 'expire') await onBoundary({ ...job, point: 'expired' });
      else return null;
    }
    return clock.now();
  };
}

interface StepContext {
  readonly db: InTransaction<Db>;
  readonly stale: Set<string>;
  readonly now: Date;
}
