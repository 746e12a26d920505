import { uncountedStatuses, type Interval } from '@olympus/contracts';
import { sql, type Db, type SQL } from '@olympus/database';
import type { DayRange } from './range.ts';

/** Whether an order `o` counts in figures. Written out, because of an unknown list the planner expects hardly any order to pass. */
export const counted = sql.raw(`o.status not in (${uncountedStatuses.map((status) => `'${status}'`).join(', ')})`);

const within = ({ from, to }: DayRange): SQL => sql`
  ${from === null ? sql`` : sql`and o.placed_on >= ${from}::date`}
  ${to === null ? sql`` : sql`and o.placed_on <= ${to}::date`}`;

/** The orders that figures of a range are made of. */
const ordersOf = (db: Db, range: DayRange): SQL =>
  sql`from orders o where o.tenant_id = ${db.tenantId}::uuid and ${counted} ${within(range)}`;

const sums = sql`sum(o.total) as revenue, count(*)::int as orders`;

export interface TotalsRow {
  readonly revenue: string;
  readonly orders: number;
  readonly customers: number;
  readonly countries: number;
  readonly units: string;
  /** Rounded to 4 decimals; 0 without orders. */
  readonly average: string;
}

/** What the orders of a range come to. One row, also where there are none. */
export const totals = (db: Db, range: DayRange): SQL => sql`
  select coalesce(sum(o.total), 0) as revenue, count(*)::int as orders,
         count(distinct o.customer_id)::int as customers, count(distinct o.country)::int as countries,
         coalesce(sum(o.units), 0) as units, coalesce(round(sum(o.total) / nullif(count(*), 0), 4), 0) as average
  ${ordersOf(db, range)}`;

/** What the orders of one day come to. */
export async function dayTotals(db: Db, day: string): Promise<TotalsRow> {
  const [row] = await db.rows<TotalsRow>(totals(db, { from: day, to: day }));
  if (!row) throw new Error('an aggregate answered no row');
  return row;
}

export interface PeriodRow {
  readonly period: string;
  readonly revenue: string;
  readonly orders: number;
}

const periodFormats: Readonly<Record<Interval, string>> = { day: 'YYYY-MM-DD', week: 'IYYY-"W"IW', month: 'YYYY-MM' };

/** Days are summed before they are named, which spares the naming of every order. */
export const revenueByPeriod = (db: Db, range: DayRange, interval: Interval): Promise<PeriodRow[]> =>
  db.rows(sql`
    with day as (select o.placed_on as day, ${sums} ${ordersOf(db, range)} group by o.placed_on)
    select to_char(day, ${periodFormats[interval]}) as period, sum(revenue) as revenue, sum(orders)::int as orders
    from day group by period order by min(day)`);

export interface CountryRow {
  readonly country: string | null;
  readonly revenue: string;
  readonly orders: number;
}

export const revenueByCountry = (db: Db, range: DayRange, limit: number): Promise<CountryRow[]> =>
  db.rows(sql`
    select o.country, ${sums} ${ordersOf(db, range)}
    group by o.country order by revenue desc, o.country collate "C" limit ${limit}`);

export interface CustomerRow {
  readonly customerId: string;
  readonly customer: string;
  readonly revenue: string;
  readonly orders: number;
}

/** Ties are kept until the customers' names decide between them. */
export const topCustomers = (db: Db, range: DayRange, limit: number): Promise<CustomerRow[]> =>
  db.rows(sql`
    with top as (
      select o.customer_id, ${sums} ${ordersOf(db, range)} and o.customer_id is not null
      group by o.customer_id order by revenue desc fetch first (${limit}) rows with ties)
    select top.customer_id as "customerId", coalesce(c.code, c.name) as customer, top.revenue, top.orders
    from top join customers c on c.tenant_id = ${db.tenantId}::uuid and c.id = top.customer_id
    order by top.revenue desc, coalesce(c.code, c.name) collate "C", c.id limit ${limit}`);
