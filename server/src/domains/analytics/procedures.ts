import { contracts } from '@olympus/contracts';
import type { Follow } from '../../events/subscription.ts';
import type { Context } from '../../kernel/context.ts';
import { implement, type Handlers } from '../../kernel/implement.ts';
import { dashboard } from './dashboard.ts';
import * as figures from './figures.ts';
import { live } from './live.ts';
import { rangeOf } from './range.ts';

export interface AnalyticsDependencies {
  readonly follow: Follow;
}

const books = ({ db, principal }: Context): figures.Books => ({ db, currency: principal.currency });

export const analytics = ({ follow }: AnalyticsDependencies): Handlers<typeof contracts.analytics> =>
  implement(contracts.analytics, {
    summary: async ({ input, ctx }) => figures.summary(books(ctx), rangeOf(input)),
    revenue: async ({ input, ctx }) => figures.revenue(books(ctx), rangeOf(input), input.interval ?? 'month'),
    byCountry: async ({ input, ctx }) => figures.byCountry(books(ctx), rangeOf(input), input.limit),
    topProducts: async ({ input, ctx }) => figures.topProducts(books(ctx), rangeOf(input), input.limit),
    topCustomers: async ({ input, ctx }) => figures.topCustomers(books(ctx), rangeOf(input), input.limit),
    dashboard,
    live: live(follow),
  });
