import type { Scenario } from '../scenario.ts';
import { missing, gbp, mug, tea, order, to } from './steps.ts';

export const orders: readonly Scenario[] = [
  {
    name: 'orders: totals and stock are the server’s',
    steps: [
      mug,
      tea,
      {
        call: 'orders.create',
        input: {
          items: [
            { productId: '$mug.id', quantity: 3 },
            { productId: '$tea.id', quantity: 7 },
          ],
          country: 'France',
          notes: 'gift',
        },
        save: 'order',
        value: {
          status: 'pending',
          kind: 'sale',
          total: gbp('14.857'),
          units: 10,
          itemCount: 2,
          customerId: null,
          locationId: null,
          country: 'France',
          items: [
            { line: 1, sku: 'MUG', total: gbp('14.85') },
            { line: 2, sku: 'tea', total: gbp('0.007') },
          ],
          placedAt: '$date',
        },
      },
      { call: 'products.get', input: { id: '$mug.id' }, value: { stock: 7 } },
      { call: 'orders.get', input: { id: '$order.id' }, value: { total: gbp('14.857'), notes: 'gift' } },
    ],
  },
  {
    name: 'orders: items keep the price and name of the sale',
    steps: [
      mug,
      order,
      { call: 'products.update', input: { id: '$mug.id', name: 'Dearer mug', price: gbp('9') } },
      {
        call: 'orders.get',
        input: { id: '$order.id' },
        value: { items: [{ name: 'Red mug', unitPrice: gbp('4.95') }] },
      },
    ],
  },
  {
    name: 'orders: out of stock tells what there is',
    steps: [
      mug,
      {
        call: 'orders.create',
        input: { items: [{ productId: '$mug.id', quantity: 11 }] },
        fails: 'OUT_OF_STOCK',
        data: { sku: 'MUG', requested: 11, available: 10 },
      },
      { call: 'products.get', input: { id: '$mug.id' }, value: { stock: 10 } },
    ],
  },
  {
    name: 'orders: a missing product',
    steps: [
      {
        call: 'orders.create',
        input: { items: [{ productId: missing, quantity: 1 }] },
        fails: 'PRODUCT_NOT_FOUND',
        data: { id: missing },
      },
    ],
  },
  {
    name: 'orders: an archived product',
    steps: [
      mug,
      { call: 'products.archive', input: { id: '$mug.id' } },
      { ...order, fails: 'PRODUCT_INACTIVE', data: { id: '$mug.id' } },
    ],
  },
  {
    name: 'orders: a missing customer',
    steps: [
      mug,
      {
        call: 'orders.create',
        input: { items: [{ productId: '$mug.id', quantity: 1 }], customerId: missing },
        fails: 'CUSTOMER_NOT_FOUND',
      },
    ],
  },
  {
    name: 'orders: a missing location',
    steps: [
      mug,
      {
        call: 'orders.create',
        input: { items: [{ productId: '$mug.id', quantity: 1 }], locationId: missing },
        fails: 'LOCATION_NOT_FOUND',
      },
    ],
  },
  {
    name: 'orders: a taken number',
    steps: [
      mug,
      { call: 'orders.create', input: { number: 'N-1', items: [{ productId: '$mug.id', quantity: 1 }] } },
      {
        call: 'orders.create',
        input: { number: 'N-1', items: [{ productId: '$mug.id', quantity: 1 }] },
        fails: 'ORDER_NUMBER_TAKEN',
        data: { number: 'N-1' },
      },
    ],
  },
  {
    name: 'orders: no items',
    steps: [
      { call: 'orders.create', input: { items: [] }, fails: 'INVALID_INPUT', data: { issues: [{ field: 'items' }] } },
    ],
  },
  {
    name: 'orders: a fault deep inside is named',
    steps: [
      mug,
      {
        call: 'orders.create',
        input: { items: [{ productId: '$mug.id', quantity: 0 }] },
        fails: 'INVALID_INPUT',
        data: { issues: [{ field: 'items.0.quantity' }] },
      },
    ],
  },
  {
    name: 'orders: a total from the caller is refused',
    steps: [
      mug,
      {
        call: 'orders.create',
        input: { items: [{ productId: '$mug.id', quantity: 1 }], total: gbp('0.01') },
        fails: 'INVALID_INPUT',
      },
    ],
  },
  {
    name: 'orders: the whole way to completed and refunded',
    steps: [mug, order, to('confirmed'), to('preparing'), to('ready'), to('completed'), to('refunded')],
  },
  {
    name: 'orders: an illegal step names the legal ones',
    steps: [
      mug,
      order,
      {
        call: 'orders.setStatus',
        input: { id: '$order.id', status: 'completed' },
        fails: 'ILLEGAL_TRANSITION',
        data: { from: 'pending', to: 'completed', allowed: ['confirmed', 'cancelled'] },
      },
    ],
  },
  {
    name: 'orders: cancelling gives the stock back',
    steps: [
      mug,
      order,
      { call: 'products.get', input: { id: '$mug.id' }, value: { stock: 8 } },
      { call: 'orders.cancel', input: { id: '$order.id' }, value: { status: 'cancelled', version: 2 } },
      { call: 'products.get', input: { id: '$mug.id' }, value: { stock: 10 } },
      { call: 'orders.cancel', input: { id: '$order.id' }, fails: 'ILLEGAL_TRANSITION', data: { allowed: [] } },
    ],
  },
  {
    name: 'orders: items change while pending',
    steps: [
      mug,
      order,
      {
        call: 'orders.update',
        input: { id: '$order.id', items: [{ productId: '$mug.id', quantity: 5 }], notes: null },
        value: { units: 5, total: gbp('24.75'), notes: null, version: 2 },
      },
      to('confirmed'),
      {
        call: 'orders.update',
        input: { id: '$order.id', items: [{ productId: '$mug.id', quantity: 1 }] },
        fails: 'ORDER_NOT_PENDING',
        data: { status: 'confirmed' },
      },
      { call: 'orders.update', input: { id: '$order.id', notes: 'late' }, value: { notes: 'late' } },
    ],
  },
  {
    name: 'orders: a payment is authorized before the order goes on',
    steps: [
      mug,
      {
        call: 'orders.create',
        // The provider that stands in for one is away for this payment.
        input: { items: [{ productId: '$mug.id', quantity: 2 }], payment: { method: 'sim_down' } },
        save: 'order',
        value: { status: 'pending', paymentStatus: 'authorizing' },
      },
      {
        call: 'orders.setStatus',
        input: { id: '$order.id', status: 'confirmed' },
        fails: 'PAYMENT_PENDING',
        data: { paymentStatus: 'authorizing' },
      },
      {
        call: 'orders.update',
        input: { id: '$order.id', items: [{ productId: '$mug.id', quantity: 1 }] },
        fails: 'PAYMENT_BEGUN',
        data: { paymentStatus: 'authorizing' },
      },
      { call: 'orders.cancel', input: { id: '$order.id' }, value: { status: 'cancelled' } },
      { call: 'products.get', input: { id: '$mug.id' }, value: { stock: 10 } },
    ],
  },
  {
    name: 'orders: one without a payment has no workflow, and one of another tenant is not there',
    steps: [
      mug,
      order,
      {
        call: 'orders.workflow',
        input: { id: '$order.id' },
        as: 'viewer',
        value: { state: 'none', paymentStatus: 'none', amount: null, steps: [] },
      },
      { call: 'orders.workflow', input: { id: '$order.id' }, as: 'stranger', fails: 'ORDER_NOT_FOUND' },
      {
        call: 'orders.create',
        input: { items: [{ productId: '$mug.id', quantity: 1 }], payment: { method: '' } },
        fails: 'INVALID_INPUT',
      },
    ],
  },
];
