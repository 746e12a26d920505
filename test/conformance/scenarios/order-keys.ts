import type { Scenario } from '../scenario.ts';
import { missing, gbp, mug, order } from './steps.ts';

export const orderKeys: readonly Scenario[] = [
  {
    name: 'orders: the same key gives the same answer',
    steps: [
      mug,
      { ...order, key: 'key-1', save: 'first' },
      { ...order, key: 'key-1', value: { id: '$first.id', number: '$first.number' } },
      { call: 'orders.list', input: { withTotal: true }, value: { totalCount: 1 } },
    ],
  },
  {
    name: 'orders: a key with another input is refused',
    steps: [
      mug,
      { ...order, key: 'key-2' },
      {
        call: 'orders.create',
        input: { items: [{ productId: '$mug.id', quantity: 1 }] },
        key: 'key-2',
        fails: 'IDEMPOTENCY_KEY_REUSED',
        data: null,
      },
    ],
  },
  {
    name: 'orders: a refusal is replayed too',
    steps: [
      mug,
      {
        call: 'orders.create',
        input: { items: [{ productId: '$mug.id', quantity: 11 }] },
        key: 'key-3',
        fails: 'OUT_OF_STOCK',
        data: { available: 10 },
      },
      { call: 'products.adjustStock', input: { id: '$mug.id', delta: 90 } },
      {
        call: 'orders.create',
        input: { items: [{ productId: '$mug.id', quantity: 11 }] },
        key: 'key-3',
        fails: 'OUT_OF_STOCK',
        data: { available: 10 },
      },
    ],
  },
  {
    name: 'orders: a key belongs to its user',
    steps: [
      mug,
      { ...order, key: 'key-4', save: 'first' },
      { ...order, as: 'staff', key: 'key-4', save: 'second' },
      { call: 'orders.list', input: { withTotal: true }, value: { totalCount: 2 } },
    ],
  },
  {
    name: 'orders: a batch succeeds and fails by item',
    steps: [
      mug,
      {
        call: 'orders.batch',
        input: {
          operations: [
            { op: 'create', order: { items: [{ productId: '$mug.id', quantity: 9 }] } },
            { op: 'create', order: { items: [{ productId: '$mug.id', quantity: 2 }] } },
            { op: 'update', id: missing, changes: { notes: 'x' } },
          ],
        },
        value: {
          results: [
            { status: 201, order: { units: 9 }, error: null },
            { status: 409, order: null, error: { code: 'OUT_OF_STOCK' } },
            { status: 404, error: { code: 'ORDER_NOT_FOUND' } },
          ],
        },
      },
      { call: 'products.get', input: { id: '$mug.id' }, value: { stock: 1 } },
    ],
  },
  {
    name: 'orders: import makes products, customers and orders',
    steps: [
      {
        call: 'orders.import',
        input: {
          content:
            'number,sku,description,quantity,placedAt,unitPrice,customer,country,kind\n1,a,Apple,2,2010-12-01T08:26,1.5,17850,France,sale\n1,A,Other,1,2010-12-01T08:26,0.001,17850,France,sale\nC2,a,,-1,2010-12-02 09:00,1.5,,France,return\n3,b,Broken,x,2010-12-02,1,,France,sale\n',
        },
        value: { lines: 4, imported: 3, failed: 1, orders: 2, products: 2, customers: 1, errors: [{ line: 5 }] },
      },
      {
        call: 'analytics.summary',
        value: { revenue: gbp('1.501'), orders: 2, customers: 1, products: 2, countries: 1, units: 2 },
      },
    ],
  },
  {
    name: 'orders: a strict import refuses the whole',
    steps: [
      {
        call: 'orders.import',
        input: {
          strict: true,
          content:
            'number,sku,description,quantity,placedAt,unitPrice,customer,country,kind\n1,a,Apple,2,2010-12-01T08:26,1.5,,France,sale\n2,a,Apple,x,2010-12-01T08:26,1.5,,France,sale\n',
        },
        fails: 'IMPORT_REFUSED',
        data: { lines: 2, failed: 1 },
      },
      { call: 'orders.list', value: { items: [] } },
    ],
  },
];
