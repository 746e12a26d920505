import type { Scenario, Step } from './scenario.ts';

const missing = '01890a5d-ac96-774b-bcce-b302099a8057';
const gbp = (amount: string) => ({ amount, currency: 'GBP' });

const mug: Step = {
  call: 'products.create',
  input: { sku: 'MUG', name: 'Red mug', price: gbp('4.95'), stock: 10 },
  save: 'mug',
};
const tea: Step = {
  call: 'products.create',
  input: { sku: 'tea', name: 'Loose tea', price: gbp('0.001') },
  save: 'tea',
};
const order: Step = { call: 'orders.create', input: { items: [{ productId: '$mug.id', quantity: 2 }] }, save: 'order' };
const to = (status: string): Step => ({
  call: 'orders.setStatus',
  input: { id: '$order.id', status },
  value: { status },
});

const auth: Scenario[] = [
  {
    name: 'me tells the user, the tenant and the permissions',
    steps: [
      { call: 'auth.me', value: { user: { role: 'owner' }, tenant: { currency: 'GBP', timeZone: 'Europe/London' } } },
    ],
  },
  { name: 'me without a credential', steps: [{ call: 'auth.me', as: 'nobody', fails: 'UNAUTHENTICATED', data: null }] },
  { name: 'a bad credential is refused', steps: [{ call: 'auth.me', as: 'forger', fails: 'UNAUTHENTICATED' }] },
  {
    name: 'a bad credential is refused even where none is needed',
    steps: [
      { call: 'auth.login', as: 'forger', input: { email: 'a@b.test', password: 'x' }, fails: 'UNAUTHENTICATED' },
    ],
  },
  {
    name: 'login with a wrong password',
    steps: [
      {
        call: 'auth.login',
        as: 'nobody',
        input: { email: '$ownerEmail', password: 'wrong' },
        fails: 'INVALID_CREDENTIALS',
        data: null,
      },
    ],
  },
  {
    name: 'login of an unknown address fails alike',
    steps: [
      {
        call: 'auth.login',
        as: 'nobody',
        input: { email: 'nobody@nowhere.test', password: 'wrong' },
        fails: 'INVALID_CREDENTIALS',
        data: null,
      },
    ],
  },
  {
    name: 'login',
    steps: [
      {
        call: 'auth.login',
        as: 'nobody',
        input: { email: '$ownerEmail', password: '$password' },
        value: { expiresIn: '$any', user: { role: 'owner', active: true } },
      },
    ],
  },
  {
    name: 'register refuses a taken address',
    steps: [
      {
        call: 'auth.register',
        as: 'nobody',
        input: { tenant: 'T', name: 'N', email: '$ownerEmail', password: 'long enough secret' },
        fails: 'EMAIL_TAKEN',
        data: { email: '$any' },
      },
    ],
  },
  {
    name: 'register names every fault',
    steps: [
      {
        call: 'auth.register',
        as: 'nobody',
        input: {
          tenant: '',
          name: 'N',
          email: 'no address',
          password: 'short',
          timeZone: 'Mars/Olympus',
          currency: 'pounds',
        },
        fails: 'INVALID_INPUT',
      },
    ],
  },
  {
    name: 'refresh rotates',
    steps: [
      { call: 'auth.login', as: 'nobody', input: { email: '$ownerEmail', password: '$password' }, save: 'session' },
      {
        call: 'auth.refresh',
        as: 'nobody',
        input: { refreshToken: '$session.refreshToken' },
        value: { user: { role: 'owner' } },
      },
      {
        call: 'auth.refresh',
        as: 'nobody',
        input: { refreshToken: '$session.refreshToken' },
        fails: 'INVALID_REFRESH_TOKEN',
      },
    ],
  },
  {
    name: 'refresh refuses an unknown token',
    steps: [
      {
        call: 'auth.refresh',
        as: 'nobody',
        input: { refreshToken: 'nothing' },
        fails: 'INVALID_REFRESH_TOKEN',
        data: null,
      },
    ],
  },
  {
    name: 'logout ends a session',
    steps: [
      { call: 'auth.login', as: 'nobody', input: { email: '$ownerEmail', password: '$password' }, save: 'session' },
      { call: 'auth.logout', input: { refreshToken: '$session.refreshToken' }, value: null },
      {
        call: 'auth.refresh',
        as: 'nobody',
        input: { refreshToken: '$session.refreshToken' },
        fails: 'INVALID_REFRESH_TOKEN',
      },
    ],
  },
  {
    name: 'validate tells of a good token and of a bad one',
    steps: [
      {
        call: 'auth.validate',
        as: 'nobody',
        input: { token: '$ownerToken' },
        value: { valid: true, role: 'owner', expiresAt: '$date' },
      },
      {
        call: 'auth.validate',
        as: 'nobody',
        input: { token: 'rubbish' },
        value: { valid: false, userId: null, expiresAt: null },
      },
    ],
  },
];

const people: Scenario[] = [
  {
    name: 'users: create, get, list',
    steps: [
      {
        call: 'users.create',
        input: { email: '$freshEmail', name: 'Ada', role: 'manager', password: 'long enough secret' },
        save: 'ada',
        value: { role: 'manager', active: true, version: 1, createdAt: '$date' },
      },
      { call: 'users.get', input: { id: '$ada.id' }, value: { name: 'Ada' } },
      {
        call: 'users.list',
        input: { role: 'manager' },
        value: { items: [{ name: 'Ada' }], nextCursor: null, previousCursor: null, totalCount: null },
      },
    ],
  },
  {
    name: 'users: a taken address',
    steps: [
      {
        call: 'users.create',
        input: { email: '$ownerEmail', name: 'Ada', role: 'staff', password: 'long enough secret' },
        fails: 'EMAIL_TAKEN',
        data: { email: '$any' },
      },
    ],
  },
  {
    name: 'users: a missing one',
    steps: [{ call: 'users.get', input: { id: missing }, fails: 'USER_NOT_FOUND', data: { id: missing } }],
  },
  {
    name: 'users: staff may not list them',
    steps: [{ call: 'users.list', as: 'staff', fails: 'FORBIDDEN', data: { permission: 'users:read' } }],
  },
  {
    name: 'users: the last owner stays',
    steps: [{ call: 'users.deactivate', input: { id: '$ownerId' }, fails: 'LAST_OWNER', data: null }],
  },
  {
    name: 'users: update changes what is named',
    steps: [
      {
        call: 'users.update',
        input: { id: '$staffId', name: 'New name' },
        value: { name: 'New name', role: 'staff', version: 2 },
      },
    ],
  },
  {
    name: 'users: a role above the own one cannot be given',
    steps: [
      {
        call: 'users.create',
        input: { email: '$freshEmail', name: 'Bea', role: 'admin', password: 'long enough secret' },
        save: 'bea',
      },
      {
        call: 'users.replace',
        input: { id: '$bea.id', email: '$freshEmail', name: 'Bea', role: 'viewer', active: false },
        value: { role: 'viewer', active: false, version: 2 },
      },
    ],
  },
  {
    name: 'users: deactivate',
    steps: [
      { call: 'users.deactivate', input: { id: '$staffId' }, value: null },
      { call: 'users.get', input: { id: '$staffId' }, value: { active: false } },
    ],
  },
  {
    name: 'customers: create, update, replace, list',
    steps: [
      {
        call: 'customers.create',
        input: { name: 'Zoë', code: '12347', country: 'Iceland' },
        save: 'zoe',
        value: { email: null, phone: null, country: 'Iceland' },
      },
      {
        call: 'customers.update',
        input: { id: '$zoe.id', country: null, phone: '+354 1' },
        value: { country: null, phone: '+354 1', name: 'Zoë', version: 2 },
      },
      {
        call: 'customers.replace',
        input: { id: '$zoe.id', name: 'Zoë B.' },
        value: { code: null, phone: null, version: 3 },
      },
      { call: 'customers.get', input: { id: '$zoe.id' }, value: { name: 'Zoë B.' } },
      { call: 'customers.list', input: { q: 'zoë', withTotal: true }, value: { totalCount: 1 } },
    ],
  },
  {
    name: 'customers: a taken code',
    steps: [
      { call: 'customers.create', input: { name: 'A', code: '1' } },
      { call: 'customers.create', input: { name: 'B', code: '1' }, fails: 'CUSTOMER_CODE_TAKEN', data: { code: '1' } },
    ],
  },
  {
    name: 'customers: a missing one',
    steps: [
      {
        call: 'customers.update',
        input: { id: missing, name: 'x' },
        fails: 'CUSTOMER_NOT_FOUND',
        data: { id: missing },
      },
    ],
  },
  {
    name: 'locations: create, update, list',
    steps: [
      { call: 'locations.create', input: { name: 'Harbour' }, save: 'harbour', value: { address: null, active: true } },
      { call: 'locations.update', input: { id: '$harbour.id', active: false }, value: { active: false, version: 2 } },
      {
        call: 'locations.replace',
        input: { id: '$harbour.id', name: 'Harbour', address: 'Quay 1', active: false },
        value: { address: 'Quay 1', version: 3 },
      },
      { call: 'locations.list', input: { active: false }, value: { items: [{ name: 'Harbour' }] } },
    ],
  },
  {
    name: 'locations: a taken name',
    steps: [
      { call: 'locations.create', input: { name: 'Harbour' } },
      { call: 'locations.create', input: { name: 'Harbour' }, fails: 'LOCATION_NAME_TAKEN', data: { name: 'Harbour' } },
    ],
  },
  {
    name: 'locations: a missing one',
    steps: [{ call: 'locations.get', input: { id: missing }, fails: 'LOCATION_NOT_FOUND' }],
  },
];

const products: Scenario[] = [
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

const orders: Scenario[] = [
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

const analytics: Scenario[] = [
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

export const scenarios: readonly Scenario[] = [...auth, ...people, ...products, ...orders, ...analytics];
