import {
  transitions,
  type contracts,
  type ErrorCode,
  type ErrorsOf,
  type OrderStatus,
  type ParsedInputOf,
  type PaymentStatus,
} from '@olympus/contracts';
import type { Fail } from '../../kernel/failure.ts';
import type { Books, Change } from './changes.ts';
import { linesOf, unitsOf } from './lines.ts';
import type { OrderRow } from './order.ts';

type Contracts = typeof contracts.orders;
type Input<V extends keyof Contracts> = ParsedInputOf<Contracts[V]['def']>;
type Failing<V extends keyof Contracts> = Fail<(keyof ErrorsOf<Contracts[V]['def']> & ErrorCode) | 'VERSION_CONFLICT'>;

/** A change of notes, or of the items while the order is pending: their stock goes back and that of the new ones is taken. */
export function revising(input: Input<'update'>, fail: Failing<'update'>): Change {
  const { notes } = input;
  const items = input.items?.map(({ productId, quantity }) => ({ productId: productId.toLowerCase(), quantity }));
  return {
    orderId: input.id.toLowerCase(),
    names: null,
    productIds: (order) => (items && order ? [...order.items, ...items].map(({ productId }) => productId) : []),
    plan(books) {
      const order = expected(books, input, fail);
      const { id, status } = order;
      if (items === undefined && notes === undefined) return { unchanged: order };
      if (items === undefined) return { revision: { id, status, notes: notes ?? null, lines: null, recount: false } };
      if (status !== 'pending') fail('ORDER_NOT_PENDING', { status });
      const { paymentStatus } = order;
      if (paymentStatus !== 'none') fail('PAYMENT_BEGUN', { paymentStatus });
      const lines = linesOf(items, { shelf: books.shelf, held: order.items }, fail);
      books.shelf.take(unitsOf(lines), fail, unitsOf(order.items));
      return { revision: { id, status, notes: notes === undefined ? order.notes : notes, lines, recount: true } };
    },
  };
}

/** A step along the state machine. A cancelled order gives its stock back, and its `reason` is kept among the notes. */
export function moving(
  input: Input<'setStatus'> & { readonly reason?: string | undefined },
  fail: Failing<'setStatus'>,
): Change {
  const { status, reason } = input;
  return {
    orderId: input.id.toLowerCase(),
    names: null,
    productIds: (order) => (status === 'cancelled' && order ? order.items.map(({ productId }) => productId) : []),
    plan(books) {
      const order = expected(books, input, fail);
      const allowed = [...transitions[order.status]];
      if (!allowed.includes(status)) fail('ILLEGAL_TRANSITION', { from: order.status, to: status, allowed });
      const { paymentStatus } = order;
      if (paymentStatus === 'authorizing' && status !== 'cancelled') fail('PAYMENT_PENDING', { paymentStatus });
      if (status === 'cancelled') books.shelf.giveBack(unitsOf(order.items));
      const notes = reason ? [order.notes, `Cancelled: ${reason}`].filter(Boolean).join('\n') : order.notes;
      const recount = status === 'cancelled' || status === 'refunded';
      return { revision: { id: order.id, status, notes, lines: null, recount } };
    },
  };
}

/** What the workflow of its payment does to an order: it moves on where its status allows, and gives its stock back when cancelled. */
export const settling = (
  orderId: string,
  { status, paymentStatus }: { status: OrderStatus | null; paymentStatus: PaymentStatus },
): Change => ({
  orderId,
  names: null,
  productIds: (order) => (status === 'cancelled' && order ? order.items.map(({ productId }) => productId) : []),
  plan({ orders, shelf }) {
    const order = orders.get(orderId);
    if (!order) throw new Error('a locked order was not there to be moved');
    if (status === 'cancelled') shelf.giveBack(unitsOf(order.items));
    const { id, notes } = order;
    const recount = status === 'cancelled';
    return { revision: { id, status: status ?? order.status, notes, lines: null, recount, paymentStatus } };
  },
});

/** The order, if it is there and the version that the change is meant for. */
function expected(
  { orders }: Books,
  { id, expectedVersion }: { id: string; expectedVersion?: number | undefined },
  fail: Fail<'ORDER_NOT_FOUND' | 'VERSION_CONFLICT'>,
): OrderRow {
  const order = orders.get(id.toLowerCase()) ?? fail('ORDER_NOT_FOUND', { id });
  if (expectedVersion !== undefined && expectedVersion !== order.version)
    fail('VERSION_CONFLICT', { currentVersion: order.version });
  return order;
}
