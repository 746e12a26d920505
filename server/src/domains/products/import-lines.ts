import type { Cells, Table } from '../intake/columns.ts';
import { decimalOf, filledOf, integerOf, LineFault, textOf } from '../intake/values.ts';

const columns = ['sku', 'name', 'description', 'price', 'stock'] as const;
export type ProductColumn = (typeof columns)[number];

export const productTable: Table<ProductColumn> = {
  columns,
  required: ['sku', 'name', 'price'],
  text: ['sku', 'name', 'description'],
};

/** A product as a line tells it. null leaves what is there; a new product has no description then, or untracked stock. */
export interface ProductLine {
  readonly line: number;
  readonly sku: string;
  readonly name: string;
  readonly description: string | null;
  readonly price: string;
  readonly stock: number | null;
}

/** Reads a line; throws `LineFault` for its first fault. */
export function productLineOf(cells: Cells<ProductColumn>, line: number): ProductLine {
  const price = decimalOf(cells.price, 'price');
  if (price.startsWith('-')) throw new LineFault('price is below 0');
  const stock = cells.stock.trim() === '' ? null : integerOf(cells.stock, 'stock', 1_000_000_000);
  if (stock !== null && stock < 0) throw new LineFault('stock is below 0');
  return {
    line,
    sku: filledOf(cells.sku, 'sku', 64),
    name: filledOf(cells.name, 'name', 500),
    description: textOf(cells.description, 'description', 5000) || null,
    price,
    stock,
  };
}

/** One line for each sku: a later one adds to an earlier one, or takes its place. */
export function lastOfEach(lines: readonly ProductLine[]): ProductLine[] {
  const bySku = new Map<string, ProductLine>();
  for (const line of lines) {
    const before = bySku.get(line.sku);
    bySku.set(line.sku, {
      ...line,
      description: line.description ?? before?.description ?? null,
      stock: line.stock ?? before?.stock ?? null,
    });
  }
  return [...bySku.values()];
}
