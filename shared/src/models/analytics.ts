import { z } from 'zod';
import { CalendarDay, Id, Money } from './common.ts';

/** `from` and `to` are days of the tenant’s calendar, both included; without them, all time. */
export const range = {
  from: CalendarDay.optional().meta({ description: 'First day, included', examples: ['2010-12-01'] }),
  to: CalendarDay.optional().meta({ description: 'Last day, included', examples: ['2010-12-31'] }),
};
export const limit = z
  .int()
  .min(1)
  .max(100)
  .default(10)
  .meta({ examples: [10] });

export const AnalyticsSummary = z
  .object({
    revenue: Money,
    orders: z.int(),
    customers: z.int(),
    products: z.int(),
    countries: z.int(),
    units: z.int(),
    averageOrder: Money,
  })
  .meta({ id: 'AnalyticsSummary', description: '`averageOrder`: revenue by order, rounded to 4 decimals' });
export type AnalyticsSummary = z.output<typeof AnalyticsSummary>;

export const Interval = z.enum(['day', 'week', 'month']).meta({ id: 'Interval' });
export type Interval = z.output<typeof Interval>;

const PeriodRevenue = z
  .object({
    period: z.string().meta({ description: '`2010-12-31`, `2010-W48` or `2010-12`', examples: ['2010-12'] }),
    revenue: Money,
    orders: z.int(),
  })
  .meta({ id: 'PeriodRevenue' });
const CountryRevenue = z
  .object({ country: z.string().nullable(), revenue: Money, orders: z.int() })
  .meta({ id: 'CountryRevenue' });
const ProductRevenue = z
  .object({ productId: Id, sku: z.string(), name: z.string(), units: z.int(), revenue: Money, orders: z.int() })
  .meta({ id: 'ProductRevenue' });
const CustomerRevenue = z
  .object({
    customerId: Id,
    customer: z
      .string()
      .meta({ description: 'The shop’s code for the customer, or else the name', examples: ['14646'] }),
    revenue: Money,
    orders: z.int(),
  })
  .meta({ id: 'CustomerRevenue' });

export const RevenueByPeriod = z.object({ items: z.array(PeriodRevenue) }).meta({ id: 'RevenueByPeriod' });
export const RevenueByCountry = z.object({ items: z.array(CountryRevenue) }).meta({ id: 'RevenueByCountry' });
export const TopProducts = z.object({ items: z.array(ProductRevenue) }).meta({ id: 'TopProducts' });
export const TopCustomers = z.object({ items: z.array(CustomerRevenue) }).meta({ id: 'TopCustomers' });
export type RevenueByPeriod = z.output<typeof RevenueByPeriod>;
export type RevenueByCountry = z.output<typeof RevenueByCountry>;
export type TopProducts = z.output<typeof TopProducts>;
export type TopCustomers = z.output<typeof TopCustomers>;

export const SectionError = z
  .object({ section: z.string(), code: z.string(), message: z.string() })
  .meta({ id: 'SectionError' });

/** Each section is null where it failed, and then named in `errors`. */
export const Dashboard = z
  .object({
    from: CalendarDay,
    to: CalendarDay,
    summary: AnalyticsSummary.nullable(),
    revenue: RevenueByPeriod.nullable(),
    byCountry: RevenueByCountry.nullable(),
    topProducts: TopProducts.nullable(),
    topCustomers: TopCustomers.nullable(),
    errors: z.array(SectionError),
  })
  .meta({ id: 'Dashboard' });
export type Dashboard = z.output<typeof Dashboard>;

/** Today's counters on the tenant's calendar, sent at once and again as orders arrive. */
export const LiveCounters = z
  .object({
    type: z.literal('analytics.counters'),
    day: CalendarDay,
    revenue: Money,
    orders: z.int(),
    units: z.int(),
    customers: z.int(),
  })
  .meta({ id: 'LiveCounters' });
export type LiveCounters = z.output<typeof LiveCounters>;
