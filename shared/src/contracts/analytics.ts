import { z } from 'zod';
import { query, subscription } from '../contract.ts';
import {
  AnalyticsSummary,
  Dashboard,
  Interval,
  limit,
  LiveCounters,
  range,
  RevenueByCountry,
  RevenueByPeriod,
  TopCustomers,
  TopProducts,
} from '../models/analytics.ts';
import { lastEventId } from '../models/common.ts';

const common = { access: 'analytics:read', everyLocation: true, cache: { ttl: 60, tags: ['orders'] } } as const;

export const analytics = {
  summary: query({
    ...common,
    summary: 'Figures of a range of days',
    operationId: 'getSummary',
    rest: 'GET /analytics/summary',
    input: z.strictObject(range),
    output: AnalyticsSummary,
  }),
  revenue: query({
    ...common,
    summary: 'Revenue by day, week or month of the tenant’s calendar',
    operationId: 'getRevenue',
    rest: 'GET /analytics/revenue',
    input: z.strictObject({ ...range, interval: Interval.optional().meta({ description: 'month when absent' }) }),
    output: RevenueByPeriod,
  }),
  byCountry: query({
    ...common,
    summary: 'Revenue by country, highest first',
    operationId: 'getRevenueByCountry',
    rest: 'GET /analytics/by-country',
    input: z.strictObject({ ...range, limit }),
    output: RevenueByCountry,
  }),
  topProducts: query({
    ...common,
    summary: 'Products of the highest revenue',
    operationId: 'getTopProducts',
    rest: 'GET /analytics/top-products',
    input: z.strictObject({ ...range, limit }),
    output: TopProducts,
  }),
  topCustomers: query({
    ...common,
    summary: 'Customers of the highest revenue',
    operationId: 'getTopCustomers',
    rest: 'GET /analytics/top-customers',
    input: z.strictObject({ ...range, limit }),
    output: TopCustomers,
  }),
  dashboard: query({
    ...common,
    summary: 'Several figures at once; a section that fails is named and the rest delivered',
    operationId: 'getDashboard',
    rest: 'GET /analytics/dashboard',
    input: z.strictObject({
      days: z
        .int()
        .min(1)
        .max(36_525)
        .default(30)
        .meta({ description: 'How many days, today included', examples: [30] }),
    }),
    output: Dashboard,
  }),
  live: subscription({
    access: 'analytics:read',
    everyLocation: true,
    rate: 'stream',
    summary: 'Follow today’s counters as orders arrive',
    operationId: 'followAnalytics',
    rest: 'GET /analytics/live',
    tracked: true,
    input: z.strictObject({ lastEventId }),
    output: LiveCounters,
  }),
};
