import type { Scenario } from '../scenario.ts';
import { mug, tea } from './steps.ts';

export const productRules: readonly Scenario[] = [
  {
    name: 'products: archive keeps it',
    steps: [
      mug,
      { call: 'products.archive', input: { id: '$mug.id' }, value: null },
      { call: 'products.get', input: { id: '$mug.id' }, value: { active: false } },
    ],
  },
  {
    name: 'products: stock is adjusted, never below zero',
    steps: [
      mug,
      { call: 'products.adjustStock', input: { id: '$mug.id', delta: -4, reason: 'broken' }, value: { stock: 6 } },
      {
        call: 'products.adjustStock',
        input: { id: '$mug.id', delta: -7 },
        fails: 'OUT_OF_STOCK',
        data: { sku: 'MUG', requested: 7, available: 6 },
      },
    ],
  },
  {
    name: 'products: untracked stock cannot be adjusted',
    steps: [tea, { call: 'products.adjustStock', input: { id: '$tea.id', delta: 1 }, fails: 'STOCK_UNTRACKED' }],
  },
  {
    name: 'products: a viewer may not write',
    steps: [{ ...mug, as: 'viewer', fails: 'FORBIDDEN', data: { permission: 'products:write' } }],
  },
  {
    name: 'products: staff may adjust stock but not prices',
    steps: [
      mug,
      { call: 'products.adjustStock', as: 'staff', input: { id: '$mug.id', delta: 1 }, value: { stock: 11 } },
      { call: 'products.update', as: 'staff', input: { id: '$mug.id', name: 'x' }, fails: 'FORBIDDEN' },
    ],
  },
  {
    name: 'products: another tenant’s is missing',
    steps: [
      mug,
      {
        call: 'products.get',
        as: 'stranger',
        input: { id: '$mug.id' },
        fails: 'PRODUCT_NOT_FOUND',
        data: { id: '$mug.id' },
      },
      { call: 'products.update', as: 'stranger', input: { id: '$mug.id', name: 'stolen' }, fails: 'PRODUCT_NOT_FOUND' },
      { call: 'products.list', as: 'stranger', value: { items: [] } },
    ],
  },
  {
    name: 'products: an id that is none',
    steps: [
      { call: 'products.get', input: { id: 'not-an-id' }, fails: 'INVALID_INPUT', data: { issues: [{ field: 'id' }] } },
    ],
  },
];
