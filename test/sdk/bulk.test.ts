import { isFailure, type ImportBody, type Olympus, type OrderLine } from '@olympus/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openStore, pathsOf, setUp, type Setup } from './support.ts';

let setup: Setup;
beforeAll(async () => {
  setup = await setUp();
});
afterAll(() => setup.close());

const header = 'number,sku,description,quantity,unitPrice,placedAt,customer,country\n';
const row = (index: number) =>
  `N${index},S${index % 7},Mug ${index % 7},2,1.25,2010-12-01T08:${String(index % 60).padStart(2, '0')}:00Z,C${index % 3},France\n`;
const csv = (rows: number) => header + Array.from({ length: rows }, (_, index) => row(index)).join('');
const blob = (text: string) => new Blob([text]);
const bytes = (text: string) => new TextEncoder().encode(text);
async function* pieces(text: string) {
  for (let at = 0; at < text.length; at += 1_000) yield text.slice(at, at + 1_000);
}
const linesOf = async (api: Olympus): Promise<OrderLine[]> => {
  const lines: OrderLine[] = [];
  for await (const line of api.orders.export.stream()) lines.push(line);
  return lines;
};

describe('streamed imports', () => {
  test.each<[string, (text: string) => ImportBody]>([
    ['text', (text) => text],
    ['a Blob', blob],
    ['bytes', bytes],
    ['a ReadableStream', (text) => blob(text).stream()],
    ['an AsyncIterable of text', pieces],
  ])('take %s', async (_, body) => {
    const api = await setup.client();
    const report = await api.orders.import.stream(body(csv(300)));
    expect(report).toMatchObject({ dryRun: false, lines: 300, imported: 300, failed: 0, orders: 300 });
    expect((await linesOf(api)).length).toBe(300);
  });

  test('take objects, as another tenant exports them', async () => {
    const [from, to] = [await setup.client(), await setup.client()];
    await from.orders.import.stream(csv(500));
    const report = await to.orders.import.stream(from.orders.export.stream());
    expect(report).toMatchObject({ lines: 500, imported: 500 });
    expect(await linesOf(to)).toEqual(await linesOf(from));
  });

  test('pass their options, and report faults by line', async () => {
    const api = await setup.client();
    const text = `InvoiceNo,StockCode,Description,Quantity,Price,InvoiceDate\nC1,A,Mug,-1,2.00,2011-01-01T10:00:00Z\n2,A,Mug,many,2.00,2011-01-01T10:00:00Z\n`;
    const columns =
      'InvoiceNo=number,StockCode=sku,Description=description,Quantity=quantity,Price=unitPrice,InvoiceDate=placedAt';
    const report = await api.orders.import.stream(text, { columns, kinds: 'C=return', dryRun: true });
    expect(report).toMatchObject({ dryRun: true, lines: 2, imported: 0, failed: 1 });
    expect(report.errors[0]?.line).toBe(3);
    expect(await linesOf(api)).toEqual([]);

    const error: unknown = await api.orders.import
      .stream(text, { columns, strict: true })
      .catch((cause: unknown) => cause);
    if (!isFailure(error, 'IMPORT_REFUSED')) throw new Error('not refused', { cause: error });
    expect(error.failure.data).toMatchObject({ lines: 2, failed: 1, errors: [{ line: 3 }] });
  });

  test('renew an expired token before they begin', async () => {
    const store = openStore();
    const api = await setup.client({ session: store });
    if (store.session) store.session.expiresAt = 0;
    expect((await api.orders.import.stream(pieces(csv(10)))).imported).toBe(10);
  });

  test('are made again after a 401 where the body is still there', async () => {
    const store = openStore();
    const api = await setup.client({ session: store });
    if (store.session) store.session.accessToken += 'x';
    expect((await api.orders.import.stream(csv(10))).imported).toBe(10);
    expect(pathsOf(setup.proxy)).toEqual(['/api/v1/orders/import', 'auth.refresh', '/api/v1/orders/import']);
  });

  test('end with their signal', async () => {
    const api = await setup.client();
    const controller = new AbortController();
    async function* endless() {
      yield header;
      for (let index = 0; ; index++) {
        yield row(index);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
    setTimeout(() => controller.abort(), 200);
    const call = api.orders.import.stream(endless(), {}, { signal: controller.signal });
    await expect(call).rejects.toMatchObject({ failure: { code: 'ABORTED' } });
  });

  test('fail as their input does', async () => {
    const api = await setup.client();
    const broken = async function* () {
      yield header;
      throw new Error('the disk is gone');
    };
    await expect(api.orders.import.stream(broken())).rejects.toThrow('the disk is gone');
  });
});

describe('streamed exports', () => {
  test('revive instants and keep the filters', async () => {
    const api = await setup.client();
    await api.orders.import.stream(csv(20));
    const [line] = await linesOf(api);
    expect(line?.placedAt).toBeInstanceOf(Date);
    expect(line).toMatchObject({ kind: 'sale', quantity: 2, country: 'France' });
    const none: OrderLine[] = [];
    for await (const each of api.orders.export.stream({ placedFrom: '2012-01-01' })) none.push(each);
    expect(none).toEqual([]);
    expect(setup.proxy.seen.at(-1)?.headers.accept).toBe('application/x-ndjson');
  });

  test('arrive line by line, and end when the loop is left', async () => {
    const api = await setup.client();
    await api.orders.import.stream(csv(5_000));
    let count = 0;
    for await (const _ of api.orders.export.stream()) if (++count === 3) break;
    expect(count).toBe(3);
  });

  test('a cut is an error, never an early end', async () => {
    const api = await setup.client();
    await api.orders.import.stream(csv(2_000));
    setup.proxy.fail('export', { cutAfterBytes: 30_000 });
    await expect(linesOf(api)).rejects.toMatchObject({ failure: { code: 'NETWORK' } });
  });

  test('a refusal comes as a failure', async () => {
    const error: unknown = await linesOf(setup.stranger()).catch((cause: unknown) => cause);
    expect(isFailure(error, 'UNAUTHENTICATED')).toBe(true);
    const wrong = (await setup.client()).orders.export.stream({ status: 'lost' as never }).next();
    await expect(wrong).rejects.toMatchObject({ failure: { code: 'INVALID_INPUT' } });
  });
});

test('lists are walked by page and by item', async () => {
  const api = await setup.client();
  await api.orders.import.stream(csv(55));
  const sizes: number[] = [];
  for await (const page of api.orders.list.pages({ limit: 20 })) sizes.push(page.items.length);
  expect(sizes).toEqual([20, 20, 15]);
  const numbers = new Set<string>();
  for await (const order of api.orders.list.items({ limit: 10 })) numbers.add(order.number);
  expect(numbers.size).toBe(55);
  setup.proxy.seen.length = 0;
  for await (const _ of api.orders.list.items({ limit: 10 })) break;
  expect(pathsOf(setup.proxy)).toHaveLength(1);
});
