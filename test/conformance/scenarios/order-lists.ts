import type { Scenario } from '../scenario.ts';
import { missing, gbp, mug, order } from './steps.ts';

export const orderLists: readonly Scenario[] = [
  {
    name: 'orders: a missing one',
    steps: [{ call: 'orders.get', input: { id: missing }, fails: 'ORDER_NOT_FOUND', data: { id: missing } }],
  },
  {
    name: 'orders: another tenant’s is missing',
    steps: [
      mug,
      order,
      { call: 'orders.get', as: 'stranger', input: { id: '$order.id' }, fails: 'ORDER_NOT_FOUND' },
      { call: 'orders.cancel', as: 'stranger', input: { id: '$order.id' }, fails: 'ORDER_NOT_FOUND' },
    ],
  },
  {
    name: 'orders: an old version is refused',
    steps: [
      mug,
      order,
      {
        call: 'orders.setStatus',
        input: { id: '$order.id', status: 'confirmed', expectedVersion: 7 },
        fails: 'VERSION_CONFLICT',
        data: { currentVersion: 1 },
      },
    ],
  },
  {
    name: 'orders: filters',
    steps: [
      mug,
      order,
      {
        call: 'orders.create',
        input: { items: [{ productId: '$mug.id', quantity: 1 }], number: 'X-9' },
        save: 'small',
      },
      { call: 'orders.list', input: { totalFrom: '5', sort: 'total' }, value: { items: [{ total: gbp('9.90') }] } },
      { call: 'orders.list', input: { q: 'X-' }, value: { items: [{ number: 'X-9' }] } },
      { call: 'orders.list', input: { status: 'completed' }, value: { items: [] } },
      { call: 'orders.list', input: { kind: 'sale', withTotal: true, limit: 1 }, value: { totalCount: 2 } },
      { call: 'orders.list', input: { placedTo: '2001-01-01' }, value: { items: [] } },
    ],
  },
  {
    name: 'orders: a day that is none',
    steps: [
      {
        call: 'orders.list',
        input: { placedFrom: '2010-02-30' },
        fails: 'INVALID_INPUT',
        data: { issues: [{ field: 'placedFrom' }] },
      },
    ],
  },
];
