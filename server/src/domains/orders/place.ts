import type { contracts, ErrorCode, ErrorsOf, ParsedInputOf } from '@olympus/contracts';
import type { Fail } from '../../kernel/failure.ts';
import { invalidInput } from '../../kernel/steps/validate.ts';
import { tenThousandths } from '../money.ts';
import type { Change } from './changes.ts';
import { linesOf, unitsOf } from './lines.ts';
import type { Line } from './writes.ts';

type Def = typeof contracts.orders.create.def;
type Input = ParsedInputOf<Def>;

/** What new sales are made with: their ids, and how long their payments may take; null: nobody takes payments. */
export interface Till {
  readonly nextId: () => string;
  readonly authorizeMs: number | null;
}

/** A new sale: prices, names and totals are the server's, and the stock is taken. */
export function placing(input: Input, till: Till, fail: Fail<keyof ErrorsOf<Def> & ErrorCode>): Change {
  const id = till.nextId();
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
      if (input.payment && till.authorizeMs === null) fail('PAYMENTS_OFF');
      const payment = paymentFor(input.payment, lines, till);
      shelf.take(unitsOf(lines), fail);
      if (number !== null) numbers.add(number);
      const { country = null, notes = null } = input;
      return { draft: { id, ...names, locationId, country, notes, lines, payment } };
    },
  };
}

function paymentFor(given: Input['payment'], lines: readonly Line[], { authorizeMs }: Till) {
  if (!given || authorizeMs === null) return null;
  if (lines.every(({ unitPrice }) => tenThousandths(unitPrice) === 0n)) {
    const message = 'must be left out where there is nothing to pay';
    throw invalidInput([{ field: 'payment', message, code: 'invalid_value', nearest: null }]);
  }
  return { method: given.method, authorizeMs };
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
