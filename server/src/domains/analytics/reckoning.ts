import { randomUUID } from 'node:crypto';
import type { OrderKind, OrderStatus } from '@olympus/contracts';
import type { Sale, Trade } from './testing.ts';

/** Numbers from 0 to 1, the same for the same seed: Mulberry32, by Tommy Ettinger. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const statuses: readonly OrderStatus[] = ['pending', 'ready', 'completed', 'completed', 'cancelled', 'refunded'];
const kinds: readonly OrderKind[] = ['sale', 'sale', 'sale', 'return', 'adjustment'];
const countries = ['United Kingdom', 'EIRE', 'Ägypten', 'France', null];

/** Sales of all kinds and states between two instants; equal prices make ties likely. */
export function inventSales(
  { products, customers }: Trade,
  { count, from, to, random }: { count: number; from: string; to: string; random: () => number },
): Sale[] {
  const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)] as T;
  const [start, end] = [Date.parse(from), Date.parse(to)];
  return Array.from({ length: count }, () => {
    const kind = pick(kinds);
    return {
      id: randomUUID(),
      kind,
      status: pick(statuses),
      customer: random() < 0.2 ? null : pick([...customers.keys()]),
      country: pick(countries),
      at: new Date(start + Math.floor(random() * (end - start))),
      lines: Array.from({ length: 1 + Math.floor(random() * 5) }, () => ({
        product: pick([...products.keys()]),
        quantity: (kind === 'return' ? -1 : 1) * (1 + Math.floor(random() * 12)),
        unitPrice: pick(['0', '0.001', '2.95', '2.95', '12.3456', '4.25']),
      })),
    };
  });
}

export interface Range {
  readonly from?: string;
  readonly to?: string;
}
type Tally = { revenue: bigint; orders: Set<string>; units: number };

/** The figures, reckoned without the database. */
export function reckon({ timeZone, products, customers }: Trade, sales: readonly Sale[], { from, to }: Range = {}) {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone });
  const counting = sales
    .filter(({ status }) => status !== 'cancelled' && status !== 'refunded')
    .map((sale) => ({ ...sale, day: format.format(sale.at) }))
    .filter(({ day }) => (from === undefined || day >= from) && (to === undefined || day <= to));
  const tallies = <K>(keyOf: (sale: (typeof counting)[number], line: Sale['lines'][number]) => K): Map<K, Tally> => {
    const result = new Map<K, Tally>();
    for (const sale of counting)
      for (const line of sale.lines) {
        const key = keyOf(sale, line);
        const tally = result.get(key) ?? { revenue: 0n, orders: new Set(), units: 0 };
        result.set(key, tally);
        tally.revenue += BigInt(line.quantity) * tenThousandths(line.unitPrice);
        tally.orders.add(sale.id);
        tally.units += line.quantity;
      }
    return result;
  };
  const ranked = <K>(all: Map<K, Tally>, label: (key: K) => string) =>
    [...all].sort(
      ([a, { revenue: x }], [b, { revenue: y }]) =>
        Number(y - x) || Buffer.compare(Buffer.from(label(a)), Buffer.from(label(b))),
    );
  const figures = ({ revenue, orders }: Tally) => ({ revenue: money(revenue), orders: orders.size });
  const byPeriod = (period: (day: string) => string) =>
    [...tallies(({ day }) => period(day))]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([period, tally]) => ({ period, ...figures(tally) }));

  const all = tallies(() => 'all').get('all') ?? { revenue: 0n, orders: new Set(), units: 0 };
  const distinct = (values: Iterable<unknown>) => new Set([...values].filter((value) => value !== null)).size;
  return {
    summary: {
      ...figures(all),
      units: all.units,
      customers: distinct(counting.map(({ customer }) => customer)),
      countries: distinct(counting.map(({ country }) => country)),
      products: distinct(counting.flatMap(({ lines }) => lines.map(({ product }) => product))),
      averageOrder: money(all.orders.size === 0 ? 0n : rounded(all.revenue, BigInt(all.orders.size))),
    },
    day: byPeriod((day) => day),
    week: byPeriod(isoWeek),
    month: byPeriod((day) => day.slice(0, 7)),
    byCountry: ranked(
      tallies(({ country }) => country),
      (country) => country ?? '\u{10ffff}',
    ).map(([country, tally]) => ({ country, ...figures(tally) })),
    topProducts: ranked(
      tallies((_, { product }) => product),
      (id) => products.get(id) ?? '',
    ).map(([productId, tally]) => {
      const sku = products.get(productId) ?? '';
      return { productId, sku, name: `Name of ${sku}`, units: tally.units, ...figures(tally) };
    }),
    topCustomers: ranked(
      tallies(({ customer }) => customer),
      (id) => customers.get(id ?? '') ?? '',
    ).flatMap(([customerId, tally]) =>
      customerId === null ? [] : [{ customerId, customer: customers.get(customerId), ...figures(tally) }],
    ),
  };
}

function tenThousandths(decimal: string): bigint {
  const [whole = '', decimals = ''] = decimal.split('.');
  return BigInt(whole) * 10_000n + BigInt(decimals.padEnd(4, '0'));
}

function money(value: bigint) {
  const digits = String(value < 0n ? -value : value).padStart(5, '0');
  const decimals = digits.slice(-4).replace(/0{1,2}$/, '');
  return { amount: `${value < 0n ? '-' : ''}${digits.slice(0, -4)}.${decimals}`, currency: 'GBP' };
}

/** Half away from zero. */
function rounded(dividend: bigint, divisor: bigint): bigint {
  const half = dividend < 0n ? -divisor : divisor;
  return (2n * dividend + half) / (2n * divisor);
}

/** The week of ISO 8601 is the one of its Thursday. */
function isoWeek(day: string): string {
  const thursday = new Date(day);
  thursday.setUTCDate(thursday.getUTCDate() + 4 - (thursday.getUTCDay() || 7));
  const year = thursday.getUTCFullYear();
  const week = 1 + Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / (7 * 86_400_000));
  return `${year}-W${String(week).padStart(2, '0')}`;
}
