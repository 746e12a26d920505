import { OrderKind } from '@olympus/contracts';
import { invalidInput } from '../../kernel/steps/validate.ts';
import { nearestTo, type Cells, type Table } from '../intake/columns.ts';
import { momentOf, type DateStyle, type Moment } from '../intake/instants.ts';
import { decimalOf, filledOf, integerOf, LineFault, shown, textOf } from '../intake/values.ts';

const columns = [
  'number',
  'sku',
  'description',
  'quantity',
  'placedAt',
  'unitPrice',
  'customer',
  'country',
  'kind',
] as const;
export type OrderColumn = (typeof columns)[number];

export const orderTable: Table<OrderColumn> = {
  columns,
  required: ['number', 'sku', 'quantity', 'placedAt', 'unitPrice'],
  text: ['number', 'sku', 'description', 'customer', 'country'],
};

/** An order line as an input tells it. Empty text stands for what is not known. */
export interface OrderInputLine {
  readonly line: number;
  readonly number: string;
  readonly sku: string;
  readonly description: string;
  readonly quantity: number;
  readonly unitPrice: string;
  readonly placedAt: Moment;
  readonly customer: string;
  readonly country: string;
  readonly kind: OrderKind;
}

/** Kinds by the prefix of the number, the longest first. */
export type Prefixes = readonly (readonly [prefix: string, kind: OrderKind])[];

/** Reads `C=return,A=adjustment`. Throws `INVALID_INPUT`. */
export function prefixesOf(option: string | undefined): Prefixes {
  const pairs = (option ?? '').split(',').filter((pair) => pair.trim() !== '');
  return pairs
    .map((pair): [string, OrderKind] => {
      const equals = pair.lastIndexOf('=');
      const prefix = pair.slice(0, equals).trim();
      const kind = OrderKind.safeParse(pair.slice(equals + 1).trim());
      if (equals >= 0 && prefix !== '' && kind.success) return [prefix, kind.data];
      const nearest = equals < 0 ? null : nearestTo(pair.slice(equals + 1).trim(), OrderKind.options);
      const message = `has '${pair.trim()}' where PREFIX=kind was expected, with the kinds ${OrderKind.options.join(', ')}`;
      throw invalidInput([{ field: 'kinds', code: 'invalid_format', message, nearest }]);
    })
    .sort(([a], [b]) => b.length - a.length);
}

// Larger totals would not fit the 15 digits that amounts have on the wire once an order sums them up.
const mostTotal = 1e12;

export interface LineStyle {
  readonly prefixes: Prefixes;
  readonly dates: DateStyle;
}

/** Reads a line; throws `LineFault` for its first fault. */
export function orderLineOf(cells: Cells<OrderColumn>, line: number, style: LineStyle): OrderInputLine {
  const number = nameOf(cells.number, 'number');
  const quantity = integerOf(cells.quantity, 'quantity', 1_000_000_000);
  const unitPrice = decimalOf(cells.unitPrice, 'unitPrice');
  if (quantity === 0) throw new LineFault('quantity is 0');
  if (Math.abs(quantity * Number(unitPrice)) >= mostTotal)
    throw new LineFault('quantity times unitPrice is beyond 12 digits');
  return {
    line,
    number,
    sku: nameOf(cells.sku, 'sku'),
    description: textOf(cells.description, 'description', 500),
    quantity,
    unitPrice,
    placedAt: momentOf(cells.placedAt, 'placedAt', style.dates),
    customer: textOf(cells.customer, 'customer', 64),
    country: textOf(cells.country, 'country', 64),
    kind: kindOf(cells.kind.trim(), number, style.prefixes),
  };
}

function nameOf(cell: string, column: string): string {
  if (cell.trim() === '') throw new LineFault(`${column} is empty`);
  return filledOf(cell, column, 64);
}

function kindOf(cell: string, number: string, prefixes: Prefixes): OrderKind {
  if (cell === '') return prefixes.find(([prefix]) => number.startsWith(prefix))?.[1] ?? 'sale';
  if (cell === 'sale' || cell === 'return' || cell === 'adjustment') return cell;
  throw new LineFault(`kind must be one of ${OrderKind.options.join(', ')}, not ${shown(cell)}`);
}
