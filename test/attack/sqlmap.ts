import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { command } from './commands.ts';
import type { Target } from './target.ts';

interface Operation {
  readonly name: string;
  readonly url: string;
  readonly method?: string;
  readonly body?: object;
  /** The answer differs from call to call, so that it tells nothing of true and false. */
  readonly changing?: boolean;
}

/** Of each kind of place where a text reaches a statement one: filters, sorts, cursors, ids in paths, bodies. */
const operations = ({ ids }: Target): Operation[] => [
  {
    name: 'orders.list',
    url: `/api/v1/orders?q=1&sort=-total&status=pending&customerId=${ids.customer}&placedFrom=2024-01-01&totalFrom=1.00&cursor=x`,
  },
  { name: 'products.list', url: '/api/v1/products?q=mug&sku=MUG&sort=name&active=true&limit=5&withTotal=true' },
  { name: 'customers.list', url: '/api/v1/customers?q=ada&country=France&sort=name' },
  { name: 'users.list', url: '/api/v1/users?q=olive&role=owner&sort=email' },
  { name: 'orders.get', url: `/api/v1/orders/${ids.order}*` },
  { name: 'analytics.topProducts', url: '/api/v1/analytics/top-products?from=2024-01-01&to=2026-12-31&limit=5' },
  { name: 'orders.export', url: `/api/v1/orders/export?format=csv&status=pending&customerId=${ids.customer}` },
  {
    name: 'customers.create',
    url: '/api/v1/customers',
    method: 'POST',
    changing: true,
    body: { name: 'Ada', phone: '1', country: 'x' },
  },
  {
    name: 'products.update',
    url: `/api/v1/products/${ids.product}`,
    method: 'PATCH',
    changing: true,
    body: { name: 'Red mug', description: 'x', imageUrl: 'https://example.com/a.png' },
  },
  { name: 'auth.refresh', url: '/api/v1/auth/refresh', method: 'POST', body: { refreshToken: 'olr_x' } },
  { name: 'customers.list over tRPC', url: `/trpc/customers.list?input=${encodeURIComponent('{"json":{"q":"ada"}}')}` },
];

export interface Finding {
  readonly operation: string;
  readonly finished: boolean;
  /** Empty where nothing was found. */
  readonly found: string;
}

/** Runs sqlmap over every operation, two at a time, each at most `seconds` long. */
export async function runSqlmap(target: Target, seconds: number): Promise<Finding[]> {
  const folder = await mkdtemp(join(tmpdir(), 'olympus-sqlmap-'));
  const queue = operations(target);
  const findings: Finding[] = [];
  const work = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const { name, url, method = 'GET', body, changing = false } = next;
      const { output, finished } = await command(
        'sqlmap',
        [
          '-u',
          target.url + url,
          '--method',
          method,
          ...(body ? ['--data', JSON.stringify(body)] : []),
          '-H',
          `Authorization: Bearer ${target.owner.accessToken}`,
          '-H',
          'Content-Type: application/json',
          '--batch',
          '--level=3',
          '--risk=1',
          '--threads=4',
          '--timeout=10',
          '--retries=0',
          '--flush-session',
          '--ignore-code=400,401,404,406,409,414,422',
          '--disable-coloring',
          '--dbms=PostgreSQL',
          `--technique=${changing ? 'EUSTQ' : 'BEUSTQ'}`,
          '--answers=redirect=N,follow=N',
          '--output-dir',
          join(folder, name.replaceAll(' ', '-')),
        ],
        { seconds },
      );
      const found = output
        .toString()
        .split('\n')
        .filter((line) => /injection point|is vulnerable|appears to be .*injectable|Payload:/i.test(line))
        .filter((line) => !/do not appear|might not be|false positive/i.test(line));
      findings.push({ operation: name, finished, found: found.join('; ') });
    }
  };
  await Promise.all([work(), work()]);
  await rm(folder, { recursive: true, force: true });
  return findings;
}
