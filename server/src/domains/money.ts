import type { Money } from '@olympus/contracts';

const fractionDigits = new Map<string, number>();

/**
 * An amount as the database writes a `numeric(…, 4)`, such as `10.9900` or `-3`, as money: at least the decimals of its
 * currency (ISO 4217, as Intl knows them), further ones as far as they are not zero. Nothing is rounded.
 */
export const moneyOf = (amount: string, currency: string): Money => ({
  amount: withDecimals(amount, fractionDigitsOf(currency)),
  currency,
});

function withDecimals(amount: string, least: number): string {
  const point = amount.indexOf('.');
  if (point < 0) return least === 0 ? amount : `${amount}.${'0'.repeat(least)}`;
  const shortest = point + 1 + least;
  let end = amount.length;
  while (end > shortest && amount.charCodeAt(end - 1) === zero) end--;
  if (end === point + 1) return amount.slice(0, point);
  return end < shortest ? amount.padEnd(shortest, '0') : amount.slice(0, end);
}
const zero = 48;

function fractionDigitsOf(currency: string): number {
  let digits = fractionDigits.get(currency);
  if (digits === undefined) {
    const format = new Intl.NumberFormat('en', { style: 'currency', currency });
    digits = format.resolvedOptions().minimumFractionDigits ?? 2;
    fractionDigits.set(currency, digits);
  }
  return digits;
}

/** An amount with at most 4 decimals in whole ten-thousandths, for comparing; sums and products are the database's. */
export function tenThousandths(amount: string): bigint {
  const [whole = '', decimals = ''] = amount.split('.');
  return BigInt(whole + decimals.padEnd(4, '0'));
}
