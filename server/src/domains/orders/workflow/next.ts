import type { OrderStatus, PaymentStatus, WorkflowState } from '@olympus/contracts';

/** What the payment provider may be called for. */
export type Action = 'authorize' | 'capture' | 'void' | 'refund';

/** Where the workflow of an order stands. */
export interface Flow {
  readonly orderId: string;
  readonly orderStatus: OrderStatus;
  readonly paymentStatus: PaymentStatus;
  readonly state: WorkflowState;
  readonly amount: string;
  readonly currency: string;
  readonly method: string | null;
  readonly reference: string | null;
  readonly action: Action | null;
  readonly attempts: number;
  readonly unanswered: boolean;
  readonly busyUntil: Date | null;
  readonly lateUntil: Date | null;
  readonly dueAt: Date | null;
  readonly deadlineAt: Date;
  readonly reason: string | null;
  /** Told by whoever calls the provider, and compared afterwards: another call has been made when it differs. */
  readonly version: number;
}

export type Next =
  | { readonly do: 'rest' }
  | { readonly do: 'wait'; readonly until: Date }
  /** The time is over: the order is cancelled. */
  | { readonly do: 'expire' }
  /** There is nothing to let go of, since nothing was ever asked for. */
  | { readonly do: 'finish' }
  | { readonly do: 'call'; readonly action: Action };

const released: readonly OrderStatus[] = ['cancelled', 'refunded'];
const open: readonly OrderStatus[] = ['pending', 'confirmed', 'preparing', 'ready'];

/** The payment goes where the order's status says. null: it is there. */
export function wantedOf(orderStatus: OrderStatus, paymentStatus: PaymentStatus): Action | null {
  const isReleased = released.includes(orderStatus);
  switch (paymentStatus) {
    case 'authorizing':
      return isReleased ? 'void' : 'authorize';
    case 'authorized':
      return isReleased ? 'void' : orderStatus === 'completed' ? 'capture' : null;
    case 'captured':
      return isReleased ? 'refund' : null;
    default:
      return null;
  }
}

/** What is to be done now. */
export function nextOf(flow: Flow, now: Date): Next {
  const { busyUntil, dueAt, deadlineAt, lateUntil, orderStatus, paymentStatus } = flow;
  if (dueAt === null) return { do: 'rest' };
  if (busyUntil && busyUntil > now) return { do: 'wait', until: busyUntil };
  const isUnsettled = paymentStatus === 'authorizing' || paymentStatus === 'authorized';
  if (isUnsettled && open.includes(orderStatus) && deadlineAt <= now) return { do: 'expire' };
  if (dueAt > now) return { do: 'wait', until: dueAt };
  const action = wantedOf(orderStatus, paymentStatus);
  if (action === null) return { do: 'rest' };
  if (action === 'void' && paymentStatus === 'authorizing' && lateUntil === null) return { do: 'finish' };
  return { do: 'call', action };
}

/** How patient the workflow is. */
export interface Patience {
  /** Milliseconds of one call to the provider. */
  readonly callMs: number;
  /** From the placing of an order until its payment must be authorized. */
  readonly authorizeMs: number;
  /** From then until the order must be completed. */
  readonly holdMs: number;
}

/** A call with the questions before it, and what is written afterwards: after that it is somebody else's to make. */
export const claimMs = ({ callMs }: Pick<Patience, 'callMs'>): number => 3 * callMs + 2000;
/** For so long an authorization is looked for whose call brought no answer. */
export const lateMs = ({ callMs }: Patience): number => 6 * callMs;

const [firstMs, maxMs] = [1000, 3_600_000];
/** With waits of up to an hour, about four days. */
export const maxAttempts = 100;

/** Milliseconds until the next attempt: doubled each time, of which the second half is left to chance. */
export const waitAfter = (attempts: number, random: () => number): number =>
  Math.round(Math.min(firstMs * 2 ** Math.min(attempts - 1, 20), maxMs) * (0.5 + random() / 2));
