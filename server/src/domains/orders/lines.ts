import type { Fail } from '../../kernel/failure.ts';
import { invalidInput } from '../../kernel/steps/validate.ts';
import { tenThousandths } from '../money.ts';
import type { Shelf, Units } from '../products/shelf.ts';
import type { Line } from './writes.ts';

interface Wanted {
  readonly productId: string;
  readonly quantity: number;
}

/** Amounts on the wire have at most 15 digits before the point. */
const totalLimit = tenThousandths('1000000000000000');

/**
 * What is wanted, on the products' terms of now. Products that the order `held` already keep the price and name they
 * were sold at, and may be held further though archived meanwhile, as long as they do not become more.
 */
export function linesOf(
  wanted: readonly Wanted[],
  { shelf, held }: { shelf: Shelf; held: readonly Line[] },
  fail: Fail<'PRODUCT_NOT_FOUND' | 'PRODUCT_INACTIVE'>,
): Line[] {
  const sold = new Map(held.map((line) => [line.productId, line]));
  const heldUnits = unitsOf(held);
  const wantedUnits = unitsOf(wanted);
  const lines = wanted.map(({ productId, quantity }) => {
    const product = shelf.find(productId) ?? fail('PRODUCT_NOT_FOUND', { id: productId });
    if (!product.active && (wantedUnits.get(productId) ?? 0) > (heldUnits.get(productId) ?? 0))
      fail('PRODUCT_INACTIVE', { id: productId });
    const { sku, name, unitPrice } = sold.get(productId) ?? { ...product, unitPrice: product.price };
    return { productId, sku, name, quantity, unitPrice };
  });
  const total = lines.reduce((sum, line) => sum + BigInt(line.quantity) * tenThousandths(line.unitPrice), 0n);
  if (total >= totalLimit) {
    const message = 'must come to less than 1,000,000,000,000,000 in all';
    throw invalidInput([{ field: 'items', message, code: 'too_big', nearest: null }]);
  }
  return lines;
}

/** How many units of each product. */
export function unitsOf(lines: readonly Wanted[]): Units {
  const units = new Map<string, number>();
  for (const { productId, quantity } of lines) units.set(productId, (units.get(productId) ?? 0) + quantity);
  return units;
}
