import type { Order } from '@olympus/contracts';
import { atEveryLocation, type Db, type InTransaction } from '@olympus/database';
import { appendAll, type Entry } from '../../events/outbox.ts';
import type { Context, Principal, TransactionContext } from '../../kernel/context.ts';
import { Failure } from '../../kernel/failure.ts';
import { refusalOf, type Outcome } from '../batch.ts';
import { eventsOf } from '../products/product.ts';
import { openShelf, type Shelf } from '../products/shelf.ts';
import { unitsOf } from './lines.ts';
import { toOrder, type OrderRow } from './order.ts';
import { findReferences, lockOrders } from './repository.ts';
import { followPayments } from './workflow/follow.ts';
import {
  insertOrders,
  lockNextNumber,
  skipTakenNumbers,
  updateOrders,
  type Draft,
  type Placing,
  type Revision,
} from './writes.ts';

/** What changes are planned against: read in their transaction, and locked where a plan relies on it. */
export interface Books {
  readonly orders: ReadonlyMap<string, OrderRow>;
  readonly shelf: Shelf;
  readonly customers: ReadonlySet<string>;
  readonly locations: ReadonlySet<string>;
  /** Of the numbers that new orders name, those in use. */
  readonly numbers: Set<string>;
  /** The locations that the caller is kept to; null: all. Orders of others are not there to begin with. */
  readonly keptTo: ReadonlySet<string> | null;
}

/** The transaction of changes, and who makes them; null: the workflow of a payment, which places no orders. */
export interface Changing extends TransactionContext<InTransaction<Db>> {
  readonly principal: Pick<Principal, 'userId' | 'timeZone' | 'currency' | 'locationIds'> | null;
}

export type Plan =
  | { readonly draft: Draft }
  | { readonly revision: Revision }
  /** There is nothing to write. */
  | { readonly unchanged: OrderRow };

export interface Change {
  /** The order to be changed; null for a new one. */
  readonly orderId: string | null;
  /** What a new order names. */
  readonly names: Pick<Draft, 'customerId' | 'locationId' | 'number'> | null;
  /** The products that it sells, or whose stock it may move. */
  productIds(order: OrderRow | undefined): readonly string[];
  /** Throws the failure that forbids the change. */
  plan(books: Books): Plan;
}

/**
 * Applies changes in their order, each with its own outcome, by a handful of statements however many they are: what
 * they are about is locked and read, they are planned one after the other, and the plans are written together. With a
 * savepoint for each, the tenant's other sales would wait for all their round trips.
 */
export async function applyChanges(ctx: Changing, changes: readonly Change[]): Promise<Outcome<Order>[]> {
  const waves = wavesOf(changes);
  if (waves.length > 1) await lockAll(ctx.db, changes);
  const outcomes: Outcome<Order>[] = [];
  for (const wave of waves) outcomes.push(...(await applyWave(ctx, wave)));
  return outcomes;
}

/** A wave must not wait for what another transaction holds that waits for what an earlier wave has locked. */
async function lockAll(db: Db, changes: readonly Change[]): Promise<void> {
  await openBooks(db, changes);
  if (changes.some(({ orderId }) => orderId === null)) await lockNextNumber(db);
}

/** Applies one change and tells the audit log of it; throws the failure that forbids it. */
export async function applyChange(ctx: Context<Principal, InTransaction<Db>>, change: Change): Promise<Order> {
  let before: OrderRow | undefined;
  const plan: Change['plan'] = (books) => {
    before = books.orders.get(change.orderId ?? '');
    return change.plan(books);
  };
  const [outcome] = await applyChanges(ctx, [{ ...change, plan }]);
  if (!outcome || outcome instanceof Failure) throw outcome;
  if (before) ctx.record({ before: toOrder(before), after: outcome });
  return outcome;
}

/** Cuts where an order comes up again, since its second change is planned on what the first one wrote. */
function wavesOf(changes: readonly Change[]): Change[][] {
  const waves: Change[][] = [];
  const met = new Set<string | null>();
  for (const change of changes) {
    if (waves.length === 0 || (change.orderId !== null && met.has(change.orderId))) {
      waves.push([]);
      met.clear();
    }
    met.add(change.orderId);
    waves.at(-1)?.push(change);
  }
  return waves;
}

async function applyWave(ctx: Changing, changes: readonly Change[]): Promise<Outcome<Order>[]> {
  const now = ctx.clock.now();
  const books = { ...(await openBooks(ctx.db, changes)), keptTo: ctx.principal?.locationIds ?? null };
  const plans = changes.map((change): Outcome<Plan> => {
    try {
      return change.plan(books);
    } catch (cause) {
      return refusalOf(cause);
    }
  });
  const revisions = plans.flatMap((plan) => ('revision' in plan ? [plan.revision] : []));
  const drafts = plans.flatMap((plan) => ('draft' in plan ? [plan.draft] : []));

  const placed = ctx.principal ? await insertAll(ctx.db, drafts, { ...ctx.principal, now }) : [];
  const rows = [...placed, ...(await updateOrders(ctx.db, revisions, now))];
  // The workflow itself knows what it does.
  if (ctx.principal) await followPayments(ctx.db, { drafts, revisions, books, placed, by: ctx.principal.userId, now });
  const written = new Map(rows.map((row) => [row.id, toOrder(row)]));
  const outcomes = plans.map((plan) => outcomeOf(plan, written, books.shelf));

  const products = await books.shelf.write(now);
  const told = plans.flatMap((plan, index) => eventOf(plan, outcomes[index], books));
  // Whoever watches stock hears of sales too: one more row for each product, in the same statement.
  const stock = eventsOf(products.map((product) => ({ product, event: 'product.updated' })));
  await appendAll(ctx, [...told, ...stock]);
  return outcomes;
}

/**
 * Every transaction locks orders first, then products, both in the order of their ids, then the next number, then
 * months: so that no two wait for each other.
 */
async function openBooks(db: Db, changes: readonly Change[]): Promise<Omit<Books, 'keptTo'>> {
  const found = await lockOrders(
    db,
    changes.flatMap(({ orderId }) => orderId ?? []),
  );
  const orders = new Map(found.map((order) => [order.id, order]));
  const shelf = await openShelf(
    db,
    changes.flatMap((change) => change.productIds(orders.get(change.orderId ?? ''))),
  );
  const references = await findReferences(db, {
    customers: changes.flatMap(({ names }) => names?.customerId ?? []),
    locations: changes.flatMap(({ names }) => names?.locationId ?? []),
    numbers: changes.flatMap(({ names }) => names?.number ?? []),
  });
  return { orders, shelf, ...references };
}

/** Where the tenant's next numbers turn out to be given already, the sales left over get the free ones after them. */
async function insertAll(db: InTransaction<Db>, drafts: readonly Draft[], placing: Placing): Promise<OrderRow[]> {
  const placed = await insertOrders(db, drafts, placing);
  const done = new Set(placed.map(({ id }) => id));
  const left = drafts.filter(({ id, number }) => number === null && !done.has(id));
  if (left.length === 0) return placed;
  // The numbers of orders that the caller does not see are taken as well.
  await atEveryLocation(db, () => skipTakenNumbers(db));
  return [...placed, ...(await insertAll(db, left, placing))];
}

function outcomeOf(plan: Outcome<Plan>, written: ReadonlyMap<string, Order>, shelf: Shelf): Outcome<Order> {
  if (plan instanceof Failure) return plan;
  if ('unchanged' in plan) return toOrder(plan.unchanged);
  const order = written.get('draft' in plan ? plan.draft.id : plan.revision.id);
  if (order) return order;
  if (!('draft' in plan)) throw new Error('a locked order was not there to be changed');
  // Another transaction took the number after it was looked up: the stock goes back.
  shelf.giveBack(unitsOf(plan.draft.lines));
  return new Failure('ORDER_NUMBER_TAKEN', { number: plan.draft.number ?? '' });
}

function eventOf(plan: Outcome<Plan>, order: Outcome<Order> | undefined, { orders }: Pick<Books, 'orders'>): Entry[] {
  if (!order || order instanceof Failure || plan instanceof Failure || 'unchanged' in plan) return [];
  const subject = { topic: 'orders', id: order.id } as const;
  if ('draft' in plan) return [{ subject, payload: { type: 'order.created', orderId: order.id, order } }];
  const previousStatus = orders.get(order.id)?.status ?? null;
  return [{ subject, payload: { type: 'order.updated', orderId: order.id, order, previousStatus } }];
}
