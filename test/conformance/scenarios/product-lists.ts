import type { Scenario } from '../scenario.ts';
import { missing, gbp, mug, tea } from './steps.ts';

export const productLists: readonly Scenario[] = [
  {
    name: 'products: search by words, by sku, by filter',
    steps: [
      mug,
      tea,
      { call: 'products.list', input: { q: 'mug red' }, value: { items: [{ sku: 'MUG' }] } },
      { call: 'products.list', input: { q: 'te' }, value: { items: [{ sku: 'tea' }] } },
      { call: 'products.list', input: { sku: 'MUG', active: true }, value: { items: [{ sku: 'MUG' }] } },
      { call: 'products.list', input: { active: false }, value: { items: [] } },
    ],
  },
  {
    name: 'products: pages forwards and backwards',
    steps: [
      mug,
      tea,
      { call: 'products.create', input: { sku: 'zip', name: 'Zip', price: gbp('2') } },
      {
        call: 'products.list',
        input: { sort: 'sku', limit: 2, withTotal: true },
        save: 'first',
        value: { items: [{ sku: 'MUG' }, { sku: 'tea' }], previousCursor: null, totalCount: 3 },
      },
      {
        call: 'products.list',
        input: { sort: 'sku', limit: 2, cursor: '$first.nextCursor' },
        save: 'second',
        value: { items: [{ sku: 'zip' }], nextCursor: null },
      },
      {
        call: 'products.list',
        input: { sort: 'sku', limit: 2, cursor: '$second.previousCursor' },
        value: { items: [{ sku: 'MUG' }, { sku: 'tea' }], previousCursor: null },
      },
    ],
  },
  {
    name: 'products: a cursor of another sort is refused',
    steps: [
      mug,
      tea,
      { call: 'products.list', input: { sort: 'sku', limit: 1 }, save: 'first' },
      {
        call: 'products.list',
        input: { sort: '-sku', limit: 1, cursor: '$first.nextCursor' },
        fails: 'INVALID_INPUT',
        data: { issues: [{ field: 'cursor' }] },
      },
    ],
  },
  {
    name: 'products: a forged cursor is refused',
    steps: [
      { call: 'products.list', input: { cursor: 'bm90IGEgY3Vyc29yIGF0IGFsbCwgcmVhbGx5' }, fails: 'INVALID_INPUT' },
    ],
  },
  {
    name: 'products: an unknown sort is refused',
    steps: [
      {
        call: 'products.list',
        input: { sort: 'colour' },
        fails: 'INVALID_INPUT',
        data: { issues: [{ field: 'sort' }] },
      },
    ],
  },
  {
    name: 'products: a limit out of bounds is refused',
    steps: [
      { call: 'products.list', input: { limit: 101 }, fails: 'INVALID_INPUT', data: { issues: [{ field: 'limit' }] } },
    ],
  },
  {
    name: 'products: a batch succeeds and fails by item',
    steps: [
      mug,
      {
        call: 'products.batch',
        input: {
          operations: [
            { op: 'create', product: { sku: 'new', name: 'New', price: gbp('1') } },
            { op: 'create', product: { sku: 'MUG', name: 'Again', price: gbp('1') } },
            { op: 'update', id: '$mug.id', changes: { name: 'Blue mug' } },
            { op: 'update', id: missing, changes: { name: 'x' } },
          ],
        },
        value: {
          results: [
            { index: 0, status: 201, product: { sku: 'new' }, error: null },
            { index: 1, status: 409, product: null, error: { code: 'SKU_TAKEN' } },
            { index: 2, status: 200, product: { name: 'Blue mug' } },
            { index: 3, status: 404, error: { code: 'PRODUCT_NOT_FOUND' } },
          ],
        },
      },
    ],
  },
  {
    name: 'products: import reports its faults by line',
    steps: [
      {
        call: 'products.import',
        input: {
          content: 'sku,name,description,price,stock\nA1,Apple,,1.25,5\nB1,Banana,Ripe,none,1\nC1,Cherry,,0.5,\n',
        },
        value: { lines: 3, imported: 2, failed: 1, products: 2, errors: [{ line: 3 }] },
      },
      {
        call: 'products.list',
        input: { sku: 'C1' },
        value: { items: [{ name: 'Cherry', stock: null, price: gbp('0.50') }] },
      },
    ],
  },
];
