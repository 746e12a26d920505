import { contracts, type ImportReport, type Order, type OrderLine, type OrderSummary } from '@olympus/contracts';
import { sql } from '@olympus/database';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { analytics } from '../analytics/procedures.ts';
import { createProductImport } from '../products/import.ts';
import { products } from '../products/procedures.ts';
import { callerWith, procedures, startTestKernel, type TestKernel, withoutImages } from '../testing.ts';
import { createOrderExport } from './export.ts';
import { createOrderImport } from './import.ts';
import { orders } from './procedures.ts';
import { openShop, type Shop } from './testing.ts';

const absent = () => {
  throw new Error('not part of these tests');
};

/** The folder of the real file; null, with a word about it, where it is not on this machine. */
export function dataFolder(): string | null {
  const folder = process.env['OLYMPUS_TEST_DATA'] ?? resolve(import.meta.dirname, '../../../../../shared/data');
  if (existsSync(folder)) return folder;
  console.warn(`${folder} is not here: what needs the real file is skipped`);
  return null;
}

export const onlineRetail = {
  columns:
    'InvoiceNo=number,StockCode=sku,Description=description,Quantity=quantity,InvoiceDate=placedAt,UnitPrice=unitPrice,CustomerID=customer,Country=country',
  kinds: 'C=return,A=adjustment',
  dates: 'M/D/YYYY H:MM',
} as const;

export const startImports = (databaseUrl: string | undefined): Promise<TestKernel> =>
  startTestKernel({
    databaseUrl,
    procedures: ({ cursors }) => [
      ...procedures(
        'products',
        contracts.products,
        products({ cursors, images: withoutImages, importer: createProductImport(), follow: absent }),
      ),
      ...procedures(
        'orders',
        contracts.orders,
        orders({ cursors, importer: createOrderImport(async () => {}), exporter: createOrderExport(), follow: absent }),
      ),
      ...procedures('analytics', contracts.analytics, analytics({ follow: absent })),
    ],
  });

/** A tenant that imports, and what can be seen of it afterwards. */
export interface Importer extends Shop {
  import(lines: readonly string[], options?: object): Promise<ImportReport>;
  stream(path: string, chunks: AsyncIterable<Uint8Array>, input: object): Promise<ImportReport>;
  orderOf(number: string): Promise<Order>;
  productOf(
    sku: string,
  ): Promise<{ id: string; name: string; price: { amount: string }; version: number; stock: number | null }>;
  customers(): Promise<{ code: string; name: string; country: string | null }[]>;
  figures(range?: { from?: string; to?: string }): Promise<Record<string, unknown>>;
  exported(input?: object): Promise<OrderLine[]>;
}

export const header = 'number,sku,description,quantity,placedAt,unitPrice,customer,country,kind';

export async function openImporter(
  kernel: TestKernel,
  overrides?: { timeZone?: string; currency?: string },
): Promise<Importer> {
  const shop = await openShop(kernel, overrides);
  const execute = async (path: string, input: unknown, chunks?: AsyncIterable<Uint8Array>) => {
    const procedure = kernel.kernel.byPath.get(path);
    if (!procedure) throw new Error(`no procedure ${path}`);
    const upload = chunks ? { mediaType: 'text/csv', stream: chunks } : null;
    const caller = callerWith(shop.token);
    return kernel.kernel.execute({ procedure, caller, input, upload, signal: new AbortController().signal });
  };
  const money = ({ amount }: { amount: string }) => amount;
  return {
    ...shop,
    import: (lines, options) => shop.call('orders.import', { content: [header, ...lines].join('\n'), ...options }),
    stream: (path, chunks, input) => execute(path, input, chunks) as Promise<ImportReport>,
    async orderOf(number) {
      const { items } = await shop.call<{ items: OrderSummary[] }>('orders.list', { q: number });
      const found = items.find((order) => order.number === number);
      if (!found) throw new Error(`no order ${number}`);
      return shop.call('orders.get', { id: found.id });
    },
    async productOf(sku) {
      const { items } = await shop.call<{ items: never[] }>('products.list', { sku });
      if (!items[0]) throw new Error(`no product '${sku}'`);
      return items[0];
    },
    customers: () =>
      kernel.database
        .tenant(shop.tenantId)
        .rows(sql`select code, name, country from customers where tenant_id = ${shop.tenantId}::uuid order by code`),
    async figures(range = {}) {
      const call = (name: string, input: object = {}) => shop.call<never>(`analytics.${name}`, { ...range, ...input });
      const rows = (answer: { items: { revenue: { amount: string } }[] }, name: string) =>
        answer.items.map((row) => [(row as never)[name], money(row.revenue)]);
      const {
        revenue,
        averageOrder: _,
        ...counts
      }: { revenue: { amount: string }; averageOrder: unknown } = await call('summary');
      return {
        ...counts,
        revenue: money(revenue),
        months: rows(await call('revenue'), 'period'),
        weeks: rows(await call('revenue', { interval: 'week' }), 'period'),
        days: rows(await call('revenue', { interval: 'day' }), 'period'),
        byCountry: rows(await call('byCountry', { limit: 100 }), 'country'),
        topProducts: rows(await call('topProducts', { limit: 100 }), 'sku'),
        topCustomers: rows(await call('topCustomers', { limit: 100 }), 'customer'),
      };
    },
    async exported(input = {}) {
      const lines: OrderLine[] = [];
      for await (const line of (await execute('orders.export', input)) as AsyncIterable<OrderLine>) lines.push(line);
      return lines;
    },
  };
}
