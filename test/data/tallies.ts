import type { OrderLine } from '@olympus/contracts';
import type { lines } from './published.ts';

/** Counts exported lines as the description of the file counts its rows. Amounts are whole thousandths. */
export function createTally() {
  const tally = {
    rows: 0,
    revenue: 0n,
    negativeQuantity: 0,
    withoutCustomer: 0,
    withoutDescription: 0,
    free: 0,
    tenthOfAPenny: 0,
  };
  const returns = { rows: 0, revenue: 0n };
  const sold = { rows: 0, revenue: 0n, invoices: new Set<string>() };
  const soldToKnown = { rows: 0, revenue: 0n, invoices: new Set<string>(), customers: new Set<string>() };
  return {
    add({ number, description, quantity, unitPrice, customer }: OrderLine) {
      const price = thousandths(unitPrice);
      const amount = BigInt(quantity) * price;
      tally.rows++;
      tally.revenue += amount;
      if (number.startsWith('C')) {
        returns.rows++;
        returns.revenue += amount;
      }
      if (quantity < 0) tally.negativeQuantity++;
      if (customer === '') tally.withoutCustomer++;
      if (description === '') tally.withoutDescription++;
      if (price === 0n) tally.free++;
      if (price === 1n) tally.tenthOfAPenny++;
      if (quantity <= 0 || price <= 0n) return;
      for (const part of customer === '' ? [sold] : [sold, soldToKnown]) {
        part.rows++;
        part.revenue += amount;
        part.invoices.add(number);
      }
      if (customer !== '') soldToKnown.customers.add(customer);
    },
    /** In the shape of the published figures. */
    figures: (): typeof lines => ({
      ...tally,
      revenue: decimal(tally.revenue),
      returns: { ...returns, revenue: decimal(returns.revenue) },
      sold: { rows: sold.rows, invoices: sold.invoices.size, revenue: decimal(sold.revenue) },
      soldToKnown: {
        rows: soldToKnown.rows,
        invoices: soldToKnown.invoices.size,
        customers: soldToKnown.customers.size,
        revenue: decimal(soldToKnown.revenue),
      },
    }),
  };
}

function thousandths(amount: string): bigint {
  const [whole = '', decimals = ''] = amount.split('.');
  if (decimals.length > 3) throw new Error(`${amount} has more decimals than the file`);
  return BigInt(whole + decimals.padEnd(3, '0'));
}

function decimal(amount: bigint): string {
  const digits = (amount < 0n ? -amount : amount).toString().padStart(4, '0');
  return `${amount < 0n ? '-' : ''}${digits.slice(0, -3)}.${digits.slice(-3)}`;
}
