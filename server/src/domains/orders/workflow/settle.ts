import type { OrderStatus, PaymentStatus } from '@olympus/contracts';
import type { Attempt, Result } from './calls.ts';
import { maxAttempts, waitAfter, wantedOf, type Action, type Flow, type Patience } from './next.ts';
import type { NewStep } from './repository.ts';

type Step = Omit<NewStep, 'orderId' | 'userId'>;

/** What a workflow becomes, what its order becomes, and what is told of it. */
export interface Outcome {
  readonly flow: Partial<Flow>;
  /** Absent: the order stays as it is. */
  readonly order?: { readonly status: OrderStatus | null; readonly paymentStatus: PaymentStatus };
  readonly steps: readonly Step[];
}

/** How it is judged. */
export interface Settling {
  readonly now: Date;
  readonly patience: Patience;
  readonly random: () => number;
}

const over = { dueAt: null, busyUntil: null, unanswered: false, method: null } as const;
const isOpen = ({ orderStatus }: Flow): boolean => !['completed', 'cancelled', 'refunded'].includes(orderStatus);
const release: Step = { step: 'release', outcome: 'done' };

/** What the result of an attempt means for its workflow, as it stands now: its order may have moved meanwhile. */
export function outcomeOf(flow: Flow, { action, attempt, result }: Ended, settling: Settling): Outcome {
  const told = { step: action, attempt };
  if (result.kind === 'done') return done(flow, action, { ...result, told, settling });
  if (result.kind === 'refused') return refused(flow, action, { ...result, told, settling });
  if (result.kind === 'failed') return again(flow, { ...result, told }, settling);
  if (result.pending && flow.lateUntil && flow.lateUntil > settling.now)
    return again(flow, { unanswered: true, told }, settling);
  const [paymentStatus, reason] = result.pending
    ? (['voided', 'never_authorized'] as const)
    : (['declined', 'declined'] as const);
  return {
    flow: { ...over, state: 'finished', reason: flow.reason ?? reason },
    order: { status: null, paymentStatus },
    steps: [{ ...told, outcome: 'done', reason }],
  };
}

/** An attempt, and what became of it. */
export interface Ended extends Pick<Attempt, 'action' | 'attempt'> {
  readonly result: Result;
}

interface Told {
  readonly told: Pick<Step, 'step'> & { readonly attempt: number };
  readonly settling: Settling;
}

const paid: Readonly<Record<Action, PaymentStatus>> = {
  authorize: 'authorized',
  capture: 'captured',
  void: 'voided',
  refund: 'refunded',
};

function done(flow: Flow, action: Action, { reference, told, settling }: Told & { reference: string }): Outcome {
  const steps: Step[] = [{ ...told, outcome: 'done', reference }];
  const paymentStatus = paid[action];
  if (action !== 'authorize') {
    // An order that was completed may be refunded as soon as its money is taken, or before.
    const more = action === 'capture' && flow.orderStatus === 'refunded' ? { dueAt: settling.now } : {};
    const state = 'dueAt' in more ? 'running' : 'finished';
    return {
      flow: { ...over, reference: flow.reference ?? reference, state, ...more },
      order: { status: null, paymentStatus },
      steps,
    };
  }
  const deadlineAt = new Date(settling.now.getTime() + settling.patience.holdMs);
  // Cancelled meanwhile: it is let go of at once.
  const next = isOpen(flow)
    ? ({ state: 'waiting', dueAt: deadlineAt } as const)
    : ({ state: 'running', dueAt: settling.now } as const);
  const confirms = flow.orderStatus === 'pending';
  if (confirms) steps.push({ step: 'confirm', outcome: 'done' });
  return {
    flow: { ...over, reference, deadlineAt, ...next },
    order: { status: confirms ? 'confirmed' : null, paymentStatus },
    steps,
  };
}

function refused(flow: Flow, action: Action, { reason, told, settling }: Told & { reason: string }): Outcome {
  const steps: Step[] = [{ ...told, outcome: 'refused', reason }];
  if (action === 'authorize') {
    const cancels = isOpen(flow);
    if (cancels) steps.push({ ...release, reason });
    return {
      flow: { ...over, state: 'finished', reason },
      order: { status: cancels ? 'cancelled' : null, paymentStatus: 'declined' },
      steps,
    };
  }
  // A call whose answer was lost had taken the money before the order was cancelled.
  if (action === 'void' && reason === 'captured')
    return {
      flow: { ...over, state: 'running', dueAt: settling.now },
      order: { status: null, paymentStatus: 'captured' },
      steps,
    };
  return { flow: { ...over, state: 'failed', reason: `${action}_${reason}` }, steps };
}

function again(
  flow: Flow,
  { unanswered, told }: { unanswered: boolean; told: Told['told'] },
  { now, random }: Settling,
): Outcome {
  const steps: Step[] = [{ ...told, outcome: unanswered ? 'unknown' : 'unavailable' }];
  const isCompensation = told.step !== 'authorize';
  // The order has moved meanwhile, and something else is to be done.
  if (wantedOf(flow.orderStatus, flow.paymentStatus) !== told.step)
    return { flow: { state: 'running', busyUntil: null, unanswered, dueAt: now }, steps };
  if (isCompensation && told.attempt >= maxAttempts)
    return { flow: { ...over, unanswered, state: 'failed', reason: `${told.step}_unavailable` }, steps };
  const next = new Date(now.getTime() + waitAfter(told.attempt, random));
  // What is not authorized by then is not tried any more.
  const dueAt = !isCompensation && next > flow.deadlineAt ? flow.deadlineAt : next;
  return { flow: { state: 'running', busyUntil: null, unanswered, dueAt }, steps };
}

/** The time of an order is over: it is cancelled, and what is held for it let go of next. */
export function expiryOf(flow: Flow, now: Date): Outcome {
  const isHeld = flow.paymentStatus === 'authorized';
  const reason = isHeld ? 'not_fulfilled_in_time' : 'not_authorized_in_time';
  return {
    flow: { state: 'running', dueAt: now, busyUntil: null, reason },
    order: { status: 'cancelled', paymentStatus: flow.paymentStatus },
    steps: [
      { step: isHeld ? 'fulfil' : 'authorize', outcome: 'expired', reason },
      { ...release, reason },
    ],
  };
}

/** It was cancelled before anybody was asked for money. */
export const untouchedOf = (flow: Flow): Outcome => ({
  flow: { ...over, state: 'finished', reason: flow.reason ?? 'never_authorized' },
  order: { status: null, paymentStatus: 'voided' },
  steps: [{ step: 'void', outcome: 'done', reason: 'never_authorized' }],
});
