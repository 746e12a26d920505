import { transitions, type contracts, type ErrorCode, type ErrorsOf, type ParsedInputOf } from '@olympus/contracts';
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
      if (status === 'cancelled') books.shelf.giveBack(unitsOf(order.items));
      const notes = reason ? [order.notes, `Cancelled: ${reason}`].filter(Boolean).join('\n') : order.notes;
      const recount = status === 'cancelled' || status === 'refunded';
      return { revision: { id: order.id, status, notes, lines: null, recount } };
    },
  };
}

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
