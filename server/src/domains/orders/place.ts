import type { contracts, ErrorCode, ErrorsOf, ParsedInputOf } from '@olympus/contracts';
import type { Fail } from '../../kernel/failure.ts';
import type { Change } from './changes.ts';
import { linesOf, unitsOf } from './lines.ts';

type Def = typeof contracts.orders.create.def;

/** A new sale under the given id: prices, names and totals are the server's, and the stock is taken. */
export function placing(id: string, input: ParsedInputOf<Def>, fail: Fail<keyof ErrorsOf<Def> & ErrorCode>): Change {
  const items = input.items.map(({ productId, quantity }) => ({ productId: productId.toLowerCase(), quantity }));
  const names = {
    customerId: input.customerId?.toLowerCase() ?? null,
    locationId: input.locationId?.toLowerCase() ?? null,
    number: input.number ?? null,
  };
  return {
    orderId: null,
    names,
    productIds: () => items.map(({ productId }) => productId),
    plan({ shelf, customers, locations, numbers, keptTo }) {
      const { customerId, number } = names;
      const locationId = locationFor(names.locationId, keptTo, fail);
      if (customerId !== null && !customers.has(customerId)) fail('CUSTOMER_NOT_FOUND', { id: customerId });
      if (names.locationId !== null && !locations.has(names.locationId))
        fail('LOCATION_NOT_FOUND', { id: names.locationId });
      if (number !== null && numbers.has(number)) fail('ORDER_NUMBER_TAKEN', { number });
      const lines = linesOf(items, { shelf, held: [] }, fail);
      shelf.take(unitsOf(lines), fail);
      if (number !== null) numbers.add(number);
      return { draft: { id, ...names, locationId, country: input.country ?? null, notes: input.notes ?? null, lines } };
    },
  };
}

/** Whoever is kept to one location sells there without saying so. Others say where, and nobody sells where they may not look. */
function locationFor(
  named: string | null,
  keptTo: ReadonlySet<string> | null,
  fail: Fail<'LOCATION_REFUSED'>,
): string | null {
  if (!keptTo) return named;
  const [only] = keptTo;
  if (named === null && keptTo.size === 1 && only !== undefined) return only;
  return named !== null && keptTo.has(named)
    ? named
    : fail('LOCATION_REFUSED', { locationId: named, allowed: [...keptTo] });
}
