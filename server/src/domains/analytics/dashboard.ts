import type { contracts, Dashboard } from '@olympus/contracts';
import { toFailure, type Failure } from '../../kernel/failure.ts';
import type { Handler } from '../../kernel/implement.ts';
import * as figures from './figures.ts';
import { dayOf, daysUntil } from './range.ts';

/** More points than these crowd a chart of days. */
const mostDays = 62;
const rows = 10;

/** The sections are computed at once. One that fails is named in its place, unless nothing is left to be delivered. */
export const dashboard: Handler<typeof contracts.analytics.dashboard> = async ({ input: { days }, ctx }) => {
  const { timeZone, currency } = ctx.principal;
  const books = { db: ctx.db, currency };
  const range = daysUntil(dayOf(ctx.clock.now(), timeZone), days);
  const failures: Failure[] = [];
  const errors: Dashboard['errors'] = [];
  const section = <T>(name: string, figure: Promise<T>): Promise<T | null> =>
    figure.catch((cause: unknown) => {
      const failure = toFailure(cause);
      failures.push(failure);
      errors.push({ section: name, code: failure.code, message: failure.message });
      ctx.log.error({ requestId: ctx.requestId, section: name, err: cause }, 'a section of the dashboard failed');
      return null;
    });

  const [summary, revenue, byCountry, topProducts, topCustomers] = await Promise.all([
    section('summary', figures.summary(books, range)),
    section('revenue', figures.revenue(books, range, days <= mostDays ? 'day' : 'month')),
    section('byCountry', figures.byCountry(books, range, rows)),
    section('topProducts', figures.topProducts(books, range, rows)),
    section('topCustomers', figures.topCustomers(books, range, rows)),
  ]);
  const [first] = failures;
  if (first) {
    ctx.keepNoAnswer();
    if (!(summary ?? revenue ?? byCountry ?? topProducts ?? topCustomers)) throw first;
  }
  return { ...range, summary, revenue, byCountry, topProducts, topCustomers, errors };
};
