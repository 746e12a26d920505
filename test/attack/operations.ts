import type { Target } from './target.ts';

/** An operation, and those of its parameters that sqlmap tries; without any, the place that an asterisk marks. */
export interface Operation {
  readonly name: string;
  readonly url: string;
  readonly method?: 'GET' | 'POST' | 'PATCH';
  readonly body?: object;
  readonly parameters?: readonly string[];
  /** The answer differs from call to call, so that it tells nothing of true and false. */
  readonly changing?: boolean;
}

/** Of each kind of place where a text reaches a statement: searches, filters, sorts, cursors, ids, bodies, headers. */
export const operationsOf = ({ ids }: Target): Operation[] => [
  {
    name: 'orders.list',
    url: `/api/v1/orders?q=1&sort=-total&status=pending&customerId=${ids.customer}&placedFrom=2024-01-01&totalFrom=1.00&cursor=x`,
    parameters: ['q', 'sort', 'customerId', 'placedFrom', 'totalFrom', 'cursor'],
  },
  {
    name: 'products.list',
    url: '/api/v1/products?q=mug&sku=MUG&sort=name&limit=5',
    parameters: ['q', 'sku', 'sort', 'limit'],
  },
  {
    name: 'customers.list',
    url: '/api/v1/customers?q=ada&country=France&sort=name',
    parameters: ['q', 'country', 'sort'],
  },
  { name: 'users.list', url: '/api/v1/users?q=olive&role=owner&sort=email', parameters: ['q', 'role', 'sort'] },
  { name: 'locations.list', url: '/api/v1/locations?q=a', parameters: ['q'] },
  {
    name: 'audit.list',
    url: '/api/v1/audit?procedure=orders.create&resourceType=order&resourceId=1',
    parameters: ['procedure', 'resourceType', 'resourceId'],
  },
  { name: 'orders.get', url: `/api/v1/orders/${ids.order}*` },
  {
    name: 'analytics.topProducts',
    url: '/api/v1/analytics/top-products?from=2024-01-01&to=2026-12-31&limit=5',
    parameters: ['from', 'to'],
  },
  {
    name: 'orders.export',
    url: `/api/v1/orders/export?format=csv&status=pending&customerId=${ids.customer}`,
    parameters: ['format', 'status', 'customerId'],
  },
  {
    name: 'customers.create',
    url: '/api/v1/customers',
    method: 'POST',
    changing: true,
    body: { name: 'Ada', phone: '1', country: 'x' },
    parameters: ['name', 'phone', 'country'],
  },
  {
    name: 'products.update',
    url: `/api/v1/products/${ids.product}`,
    method: 'PATCH',
    changing: true,
    body: { name: 'Red mug', description: 'x' },
    parameters: ['name', 'description'],
  },
  {
    name: 'auth.refresh',
    url: '/api/v1/auth/refresh',
    method: 'POST',
    body: { refreshToken: 'olr_x' },
    parameters: ['refreshToken', 'user-agent'],
  },
  {
    name: 'auth.login',
    url: '/api/v1/auth/login',
    method: 'POST',
    body: { email: 'nobody@shop.test', password: 'x' },
    parameters: ['email'],
  },
  {
    name: 'customers.list over tRPC',
    url: `/trpc/customers.list?input=${encodeURIComponent('{"json":{"q":"ada')}*${encodeURIComponent('"}}')}`,
  },
];
