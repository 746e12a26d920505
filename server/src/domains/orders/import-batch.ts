import type { Fault } from '../intake/report.ts';
import type { TimeOf } from './import-books.ts';
import type { OrderInputLine } from './import-lines.ts';
import type { KnownOrder, OrderHead, OrderItemRow } from './import-repository.ts';

/** A row that another transaction has added is there, but this one's statement began too early to see it. */
export class NotSeenYet extends Error {
  override readonly name = 'NotSeenYet';
}

/** Lines apart from those of orders that were taken here, which an import does not touch. */
export function withoutTaken(
  lines: readonly OrderInputLine[],
  taken: ReadonlySet<string>,
): { left: readonly OrderInputLine[]; faults: Fault[] } {
  if (taken.size === 0) return { left: lines, faults: [] };
  const faults = lines
    .filter((line) => taken.has(line.number))
    .map(({ line, number }) => ({
      line,
      message: `order ${number} was not imported but taken here, and stays as it is`,
    }));
  return { left: lines.filter((line) => !taken.has(line.number)), faults };
}

export interface Lookups {
  readonly known: readonly KnownOrder[];
  readonly importId: string;
  readonly timeOf: TimeOf;
  readonly productId: (sku: string) => string | undefined;
  readonly customerId: (code: string) => string | undefined;
  readonly nextId: () => string;
}

export interface OrderBatch {
  readonly heads: OrderHead[];
  readonly items: OrderItemRow[];
  /** Orders that an earlier run left with more items than the `length` they have now. */
  readonly outgrown: { readonly id: string; readonly length: number }[];
}

/** Orders and items of a batch. An order's first line tells its kind, country and moment, the first that names one its customer. */
export function ordersOf(lines: readonly OrderInputLine[], lookups: Lookups): OrderBatch {
  const known = new Map(lookups.known.map((order) => [order.number, order]));
  const byNumber = new Map<string, OrderInputLine[]>();
  for (const line of lines) {
    const own = byNumber.get(line.number);
    if (own) own.push(line);
    else byNumber.set(line.number, [line]);
  }
  const batch: OrderBatch = { heads: [], items: [], outgrown: [] };
  for (const [number, own] of byNumber) {
    const [first] = own;
    if (!first) continue;
    const before = known.get(number);
    const continued = before?.importId === lookups.importId;
    const customer = own.find((line) => line.customer.trim() !== '')?.customer;
    batch.heads.push({
      id: before?.id ?? lookups.nextId(),
      number,
      kind: first.kind,
      customerId: customer === undefined ? null : found(lookups.customerId(customer), `customer ${customer}`),
      country: first.country.trim() === '' ? null : first.country,
      placedAt: new Date(lookups.timeOf(first)),
      offset: continued ? before.itemCount : 0,
    });
    if (before && !continued && before.itemCount > own.length)
      batch.outgrown.push({ id: before.id, length: own.length });
    for (const [index, line] of own.entries())
      batch.items.push({
        head: batch.heads.length,
        position: index + 1,
        productId: found(lookups.productId(line.sku), `product ${line.sku}`),
        line,
      });
  }
  return batch;
}

function found(id: string | undefined, what: string): string {
  if (id === undefined) throw new NotSeenYet(what);
  return id;
}
