import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { startOlympus, type Olympus } from '../harness.ts';
import { protocolsOf, tree } from './protocols.ts';
import { makers, Shop, unique, type Resource } from './shop.ts';

// Each test makes hundreds of calls.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });

let olympus: Olympus;
let shop: Shop;
let other: Shop;

beforeAll(async () => {
  olympus = await startOlympus();
  [shop, other] = await Promise.all([Shop.open(olympus.app), Shop.open(olympus.app)]);
  for (const resource of Object.keys(makers) as Resource[]) await shop.id(resource);
});
afterAll(() => olympus.close());

/** What spreadsheets run, and what only looks like it. */
const formulas = ['=1+1', '+1', '-1', '@SUM(A1)', "=cmd|' /C calc'!A0", '\tx', '\rx', "'=1", "''+1", "'plain", '"=1"'];
const starts = /^[=+\-@\t\r]/;
const downloads = [...tree].filter(([, { def }]) => def.download?.includes('text/csv')).map(([path]) => path);

const read = async (path: string, token: string, accept: string): Promise<string> => {
  const [, route = ''] = tree.get(path)?.def.rest.split(' ') ?? [];
  const response = await fetch(`${olympus.url}/api/v1${route}`, {
    headers: { authorization: `Bearer ${token}`, accept },
  });
  expect(response.status).toBe(200);
  return response.text();
};
const upload = async (token: string, body: string, type: string) => {
  const response = await fetch(`${olympus.url}/api/v1/orders/import?strict=true`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': type },
    body,
  });
  expect(response.status, await response.clone().text()).toBe(200);
};
const lines = (text: string): object[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as object);

it('a formula in any text becomes a text cell on export, and is the same text again on import', async () => {
  const orders = formulas.map((text, index) => ({
    number: `${text}${unique()}`,
    kind: 'sale',
    sku: `${text}${index}`,
    description: text,
    quantity: 2,
    unitPrice: '1.5',
    placedAt: new Date(Date.UTC(2024, 4, 1, 10, index)).toISOString(),
    customer: text,
    country: text.trim() || 'x',
  }));
  await upload(shop.token, orders.map((line) => JSON.stringify(line)).join('\n'), 'application/x-ndjson');
  const csv = await read('orders.export', shop.token, 'text/csv');
  await upload(other.token, csv, 'text/csv');
  const [original, copied] = await Promise.all(
    [shop.token, other.token].map(async (token) => lines(await read('orders.export', token, 'application/x-ndjson'))),
  );
  const imported = (all: object[] | undefined) =>
    (all ?? []).filter((line) => (line as { placedAt: string }).placedAt < '2024-06');
  expect(imported(copied)).toEqual(imported(original));
  expect(imported(original).length).toBe(formulas.length);
});

it.each(downloads)('%s gives spreadsheets no cell to run', async (path) => {
  const rows = parse(await read(path, shop.token, 'text/csv'));
  expect(rows.length).toBeGreaterThan(1);
  for (const row of rows) for (const cell of row) if (starts.test(cell)) expect(cell).toMatch(/^-?\d+(\.\d+)?$/);
});

it('numbers are left as they are', async () => {
  const ret = {
    number: `R${unique()}`,
    kind: 'return',
    sku: 'minus',
    description: 'returned',
    quantity: -3,
    unitPrice: '2.25',
    placedAt: '2024-07-01T10:00:00Z',
    customer: 'c',
    country: 'France',
  };
  await upload(shop.token, JSON.stringify(ret), 'application/x-ndjson');
  const csv = await read('orders.export', shop.token, 'text/csv');
  expect(csv).toMatch(/,-3,2\.25,/);
  for (const protocol of protocolsOf(olympus.url)) protocol.close();
});
