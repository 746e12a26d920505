import type { Scenario } from '../scenario.ts';
import { missing, gbp, mug, tea } from './steps.ts';

export const products: readonly Scenario[] = [
  {
    name: 'products: create and get',
    steps: [
      {
        ...mug,
        value: {
          price: gbp('4.95'),
          stock: 10,
          description: null,
          imageUrl: null,
          active: true,
          version: 1,
          createdAt: '$date',
        },
      },
      { call: 'products.get', input: { id: '$mug.id' }, value: { sku: 'MUG' } },
    ],
  },
  { name: 'products: stock untracked is null', steps: [{ ...tea, value: { stock: null } }] },
  { name: 'products: a price of a tenth of a penny is kept', steps: [{ ...tea, value: { price: gbp('0.001') } }] },
  {
    name: 'products: skus differ by case and spaces',
    steps: [
      { call: 'products.create', input: { sku: 'a', name: 'A', price: gbp('1') }, value: { price: gbp('1.00') } },
      { call: 'products.create', input: { sku: 'A', name: 'A', price: gbp('1') } },
      { call: 'products.create', input: { sku: 'a ', name: 'A', price: gbp('1') }, value: { sku: 'a ' } },
    ],
  },
  { name: 'products: a taken sku', steps: [mug, { ...mug, fails: 'SKU_TAKEN', data: { sku: 'MUG' } }] },
  {
    name: 'products: another currency',
    steps: [
      {
        call: 'products.create',
        input: { sku: 'x', name: 'X', price: { amount: '1.00', currency: 'EUR' } },
        fails: 'CURRENCY_MISMATCH',
        data: { expected: 'GBP', received: 'EUR' },
      },
    ],
  },
  {
    name: 'products: money as a number is refused',
    steps: [
      {
        call: 'products.create',
        input: { sku: 'x', name: 'X', price: { amount: 1.5, currency: 'GBP' } },
        fails: 'INVALID_INPUT',
      },
    ],
  },
  {
    name: 'products: five decimals are refused',
    steps: [{ call: 'products.create', input: { sku: 'x', name: 'X', price: gbp('1.00001') }, fails: 'INVALID_INPUT' }],
  },
  {
    name: 'products: an unknown field is named',
    steps: [
      {
        call: 'products.create',
        input: { sku: 'x', name: 'X', price: gbp('1'), pric: 1 },
        fails: 'INVALID_INPUT',
        data: { issues: [{ field: 'pric', nearest: 'price' }] },
      },
    ],
  },
  {
    name: 'products: a tenant in the body is refused',
    steps: [
      {
        call: 'products.create',
        input: { sku: 'x', name: 'X', price: gbp('1'), tenantId: missing },
        fails: 'INVALID_INPUT',
      },
    ],
  },
  {
    name: 'products: absent is not null',
    steps: [
      mug,
      {
        call: 'products.update',
        input: { id: '$mug.id', description: 'A mug' },
        value: { description: 'A mug', name: 'Red mug', stock: 10, version: 2 },
      },
      {
        call: 'products.update',
        input: { id: '$mug.id', description: null, stock: null },
        value: { description: null, stock: null, version: 3 },
      },
    ],
  },
  {
    name: 'products: replace empties what is absent',
    steps: [
      mug,
      { call: 'products.update', input: { id: '$mug.id', description: 'A mug' } },
      {
        call: 'products.replace',
        input: { id: '$mug.id', sku: 'MUG2', name: 'Mug', price: gbp('5') },
        value: { description: null, stock: null, sku: 'MUG2', price: gbp('5.00') },
      },
    ],
  },
  {
    name: 'products: an old version is refused',
    steps: [
      mug,
      { call: 'products.update', input: { id: '$mug.id', name: 'B', expectedVersion: 1 }, value: { version: 2 } },
      {
        call: 'products.update',
        input: { id: '$mug.id', name: 'C', expectedVersion: 1 },
        fails: 'VERSION_CONFLICT',
        data: { currentVersion: 2 },
      },
    ],
  },
];
