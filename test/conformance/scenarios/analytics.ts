import type { Scenario } from '../scenario.ts';
import { gbp, mug, order } from './steps.ts';

export const analytics: readonly Scenario[] = [
  {
    name: 'analytics: nothing sold',
    steps: [
      {
        call: 'analytics.summary',
        value: {
          revenue: gbp('0.00'),
          orders: 0,
          customers: 0,
          products: 0,
          countries: 0,
          units: 0,
          averageOrder: gbp('0.00'),
        },
      },
      { call: 'analytics.revenue', value: { items: [] } },
    ],
  },
  {
    name: 'analytics: what is sold counts, what is cancelled does not',
    steps: [
      mug,
      order,
      { call: 'analytics.summary', value: { revenue: gbp('9.90'), orders: 1, units: 2, averageOrder: gbp('9.90') } },
      {
        call: 'analytics.topProducts',
        input: { limit: 5 },
        value: { items: [{ sku: 'MUG', name: 'Red mug', units: 2, revenue: gbp('9.90'), orders: 1 }] },
      },
      { call: 'orders.cancel', input: { id: '$order.id' } },
      { call: 'analytics.summary', value: { revenue: gbp('0.00'), orders: 0 } },
      { call: 'analytics.topProducts', value: { items: [] } },
    ],
  },
  {
    name: 'analytics: by country and customer',
    steps: [
      mug,
      { call: 'customers.create', input: { name: 'Zoë', code: '12347' }, save: 'zoe' },
      {
        call: 'orders.create',
        input: { items: [{ productId: '$mug.id', quantity: 1 }], customerId: '$zoe.id', country: 'Iceland' },
      },
      { call: 'analytics.byCountry', value: { items: [{ country: 'Iceland', revenue: gbp('4.95'), orders: 1 }] } },
      { call: 'analytics.topCustomers', value: { items: [{ customer: '12347', revenue: gbp('4.95') }] } },
    ],
  },
  {
    name: 'analytics: the dashboard has every section',
    steps: [
      mug,
      order,
      {
        call: 'analytics.dashboard',
        input: { days: 7 },
        value: {
          summary: { orders: 1 },
          revenue: { items: [{ orders: 1 }] },
          topProducts: { items: [{ sku: 'MUG' }] },
          errors: [],
        },
      },
    ],
  },
  {
    name: 'analytics: a range that is empty',
    steps: [
      mug,
      order,
      { call: 'analytics.summary', input: { from: '2001-01-01', to: '2001-12-31' }, value: { orders: 0 } },
    ],
  },
];
