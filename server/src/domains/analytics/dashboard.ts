import type { contracts } from '@olympus/contracts';
import { toFailure } from '../../kernel/failure.ts';
import type { Handler } from '../../kernel/implement.ts';
import * as figures from './figures.ts';
import { dayOf, daysUntil } from './range.ts';

/** More points than these crowd a chart of days. */
const mostDays = 62;
const rows = 10;
const sections = ['summary', 'revenue', 'byCountry', 'topProducts', 'topCustomers'] as const;

/** The sections are computed at once. One that fails is named in its place, unless nothing is left to be delivered. */
export const dashboard: Handler<typeof contracts.analytics.dashboard> = async ({ input: { days }, ctx }) => {
  const { timeZone, currency } = ctx.principal;
  const books = { db: ctx.db, currency };
  const range = daysUntil(dayOf(ctx.clock.now(), timeZone), days);
  const settled = await Promise.allSettled([
    figures.summary(books, range),
    figures.revenue(books, range, days <= mostDays ? 'day' : 'month'),
    figures.byCountry(books, range, rows),
    figures.topProducts(books, range, rows),
    figures.topCustomers(books, range, rows),
  ]);
  const failed = settled.flatMap((result, index) =>
    result.status === 'rejected' ? [{ section: sections[index] ?? '', cause: result.reason as unknown }] : [],
  );
  const errors = failed.map(({ section, cause }) => {
    ctx.log.error({ requestId: ctx.requestId, section, err: cause }, 'a section of the dashboard failed');
    const { code, message } = toFailure(cause);
    return { section, code, message };
  });
  if (failed.length > 0) ctx.keepNoAnswer();
  if (failed.length === settled.length) throw failed[0]?.cause;

  const [summary, revenue, byCountry, topProducts, topCustomers] = settled;
  return {
    ...range,
    summary: valueOf(summary),
    revenue: valueOf(revenue),
    byCountry: valueOf(byCountry),
    topProducts: valueOf(topProducts),
    topCustomers: valueOf(topCustomers),
    errors,
  };
};

const valueOf = <T>(result: PromiseSettledResult<T>): T | null => (result.status === 'fulfilled' ? result.value : null);
