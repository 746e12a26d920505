import type { OrderWorkflow } from '@olympus/contracts';
import type { Db } from '@olympus/database';
import { moneyOf } from '../../money.ts';
import type { SummaryRow } from '../order.ts';
import { findFlow, findSteps } from './repository.ts';

/** The workflow of an order that the caller may see, with its history. */
export async function workflowOf(db: Db, order: SummaryRow): Promise<OrderWorkflow> {
  const { id: orderId, paymentStatus } = order;
  const flow = paymentStatus === 'none' ? undefined : await findFlow(db, orderId);
  if (!flow)
    return {
      orderId,
      state: 'none',
      paymentStatus,
      amount: null,
      reason: null,
      nextAt: null,
      deadlineAt: null,
      steps: [],
    };
  const isOver = flow.state === 'finished' || flow.state === 'failed';
  return {
    orderId,
    state: flow.state,
    paymentStatus: flow.paymentStatus,
    amount: moneyOf(flow.amount, flow.currency),
    reason: flow.reason,
    nextAt: flow.dueAt,
    deadlineAt: isOver ? null : flow.deadlineAt,
    steps: await findSteps(db, orderId),
  };
}
