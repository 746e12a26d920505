import type { Db } from '@olympus/database';
import type { OrderRow } from '../order.ts';
import type { Draft, Revision } from '../writes.ts';
import { addSteps, insertFlows, makeDue, type NewStep } from './repository.ts';

/** What a transaction has changed. */
export interface Changed {
  readonly drafts: readonly Draft[];
  readonly revisions: readonly Revision[];
  readonly books: { readonly orders: ReadonlyMap<string, OrderRow> };
  /** The orders that were placed. */
  readonly placed: readonly OrderRow[];
  /** The user who did it. */
  readonly by: string;
  readonly now: Date;
}

/** Begins the workflows of orders that are placed with a payment, and tells those of orders that somebody moves. */
export async function followPayments(db: Db, { drafts, revisions, books, placed, by, now }: Changed): Promise<void> {
  const rows = new Map(placed.map((row) => [row.id, row]));
  const begun = drafts.flatMap(({ id, payment }) => {
    const row = rows.get(id);
    if (!payment || !row) return [];
    const deadlineAt = new Date(now.getTime() + payment.authorizeMs);
    return [{ orderId: id, amount: row.total, currency: row.currency, method: payment.method, deadlineAt }];
  });
  const moved = revisions.flatMap(({ id, status }) => {
    const before = books.orders.get(id);
    if (!before || before.paymentStatus === 'none' || before.status === status) return [];
    const step = stepOf[status];
    return step ? [{ orderId: id, ...step, userId: by }] : [];
  });
  if (begun.length > 0) await insertFlows(db, begun, now);
  if (moved.length > 0)
    await makeDue(
      db,
      moved.map(({ orderId }) => orderId),
      now,
    );
  const reserved = begun.map(({ orderId }): NewStep => ({ orderId, step: 'reserve', outcome: 'done', userId: by }));
  await addSteps(db, [...reserved, ...moved], now);
}

/** What it means for the workflow that somebody moves an order there; other moves mean nothing to it. */
const stepOf: Readonly<Record<string, Pick<NewStep, 'step' | 'outcome' | 'reason'>>> = {
  completed: { step: 'fulfil', outcome: 'done' },
  cancelled: { step: 'release', outcome: 'done', reason: 'cancelled' },
  refunded: { step: 'refund', outcome: 'asked' },
};
