import type {
  AnalyticsSummary,
  Interval,
  RevenueByCountry,
  RevenueByPeriod,
  TopCustomers,
  TopProducts,
} from '@olympus/contracts';
import type { Db } from '@olympus/database';
import { moneyOf } from '../money.ts';
import * as productFigures from './product-repository.ts';
import type { DayRange } from './range.ts';
import * as orderFigures from './repository.ts';

/** Where figures come from and how they are to be shown. */
export interface Books {
  readonly db: Db;
  readonly currency: string;
}

export async function summary({ db, currency }: Books, range: DayRange): Promise<AnalyticsSummary> {
  const { revenue, average, units, ...counts } = await productFigures.summary(db, range);
  return {
    ...counts,
    units: Number(units),
    revenue: moneyOf(revenue, currency),
    averageOrder: moneyOf(average, currency),
  };
}

export async function revenue({ db, currency }: Books, range: DayRange, interval: Interval): Promise<RevenueByPeriod> {
  const rows = await orderFigures.revenueByPeriod(db, range, interval);
  return { items: rows.map((row) => ({ ...row, revenue: moneyOf(row.revenue, currency) })) };
}

export async function byCountry({ db, currency }: Books, range: DayRange, limit: number): Promise<RevenueByCountry> {
  const rows = await orderFigures.revenueByCountry(db, range, limit);
  return { items: rows.map((row) => ({ ...row, revenue: moneyOf(row.revenue, currency) })) };
}

export async function topProducts({ db, currency }: Books, range: DayRange, limit: number): Promise<TopProducts> {
  const rows = await productFigures.topProducts(db, range, limit);
  return {
    items: rows.map((row) => ({ ...row, units: Number(row.units), revenue: moneyOf(row.revenue, currency) })),
  };
}

export async function topCustomers({ db, currency }: Books, range: DayRange, limit: number): Promise<TopCustomers> {
  const rows = await orderFigures.topCustomers(db, range, limit);
  return { items: rows.map((row) => ({ ...row, revenue: moneyOf(row.revenue, currency) })) };
}
