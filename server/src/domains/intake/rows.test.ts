import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { mappingOf, type Table } from './columns.ts';
import { linesOf } from './lines.ts';
import { rowsOf, type Format } from './rows.ts';

const table: Table<'sku' | 'name' | 'price'> = {
  columns: ['sku', 'name', 'price'],
  required: ['sku', 'price'],
  text: ['sku', 'name'],
};

async function read(text: string, columns?: string, format: Format = 'csv') {
  const mapping = mappingOf(columns, table);
  const rows = [];
  for await (const group of rowsOf(linesOf(Readable.from([Buffer.from(text)])), { format, table, mapping }))
    rows.push(...group);
  return rows.map(({ line, cells, fault }) => [line, cells ?? fault]);
}
const issueOf = async (work: () => Promise<unknown>) => {
  const failure: unknown = await work().catch((error: unknown) => error);
  const { code, data } = failure as { code: string; data: { issues: unknown[] } };
  expect(code).toBe('INVALID_INPUT');
  expect(data.issues).toHaveLength(1);
  return data.issues[0];
};

describe('columns', () => {
  it('are ours without a mapping, in any order', async () => {
    expect(await read('price,sku\n1,a\n2,b')).toEqual([
      [2, { sku: 'a', name: '', price: '1' }],
      [3, { sku: 'b', name: '', price: '2' }],
    ]);
  });

  it('are named by the caller, who leaves aside what is not wanted', async () => {
    const mapping = 'Stock Code=sku, Unit=price,A=B=name';
    expect(await read('Stock Code,colour,A=B,Unit\n x ,red,n,1', mapping)).toEqual([
      [2, { sku: ' x ', name: 'n', price: '1' }],
    ]);
    expect(await read('Code,name,price\na,b,1', 'Code=sku')).toEqual([[2, { sku: 'a', name: 'b', price: '1' }]]);
  });

  it.each([
    ['an unknown column', 'sku,prise,name\n', undefined, 'unknown_column', "'prise'", 'price'],
    ['an unknown source', 'Code,price\n', 'Cod=sku', 'unknown_column', "'Cod'", 'Code'],
    ['an unknown target', 'Code,price\n', 'Code=skuu', 'unknown_column', "'skuu'", 'sku'],
    ['a missing column', 'sku,name\n', undefined, 'missing_column', "'price'", 'name'],
    ['a column twice', 'sku,sku,price\n', undefined, 'duplicate_column', "'sku'", null],
    ['a target twice', 'a,b,price\n', 'a=sku,b=sku', 'duplicate_column', "'sku'", null],
    ['a source twice', 'a,price\n', 'a=sku,a=name', 'duplicate_column', "'a'", null],
    ['no pair', 'sku,price\n', 'sku', 'invalid_format', 'SOURCE=target', null],
  ])('names %s', async (_, text, columns, code, named, nearest) => {
    const issue = await issueOf(() => read(text, columns));
    expect(issue).toMatchObject({ field: 'columns', code, nearest, message: expect.stringContaining(named) as string });
  });

  it('must be there', async () => {
    for (const text of ['', '\n\n', '\ufeff'])
      expect(await issueOf(() => read(text))).toMatchObject({
        field: 'content',
        message: expect.stringContaining('is empty') as string,
      });
    expect(await issueOf(() => read('sku,"x'))).toMatchObject({ field: 'content' });
    expect(await read('sku,price')).toEqual([]);
  });
});

describe('rows', () => {
  it('have as many cells as the header, or are told', async () => {
    expect(await read('sku,price\na\nb,1\nc,1,2')).toEqual([
      [2, 'has 1 cell where 2 were expected'],
      [3, { sku: 'b', name: '', price: '1' }],
      [4, 'has 3 cells where 2 were expected'],
    ]);
  });

  it('lose the one apostrophe that an export puts before a formula, in text only', async () => {
    const guarded = ["'=1", "''=1", "'-2", "'@x", "'+x", "'\tx"];
    const kept = ["'n sync", "'", '=1', "x'=1"];
    const rows = await read(`sku,price\n${[...guarded, ...kept].map((cell) => `${cell},'=1`).join('\n')}`);
    expect(rows.map(([, cells]) => (cells as { sku: string }).sku)).toEqual([
      ...guarded.map((cell) => cell.slice(1)),
      ...kept,
    ]);
    expect(rows[0]?.[1]).toMatchObject({ price: "'=1" });
  });

  it('may be JSON, with text or numbers', async () => {
    const lines = [
      '{"sku":"a","price":2.55,"name":null}',
      '',
      '{"sku":"\'=1","price":"1"}',
      'not json',
      '[1]',
      'null',
      '{"sku":"a","pric":1}',
      '{"sku":{},"price":1}',
      '{"__proto__":{"x":1},"sku":"p","price":1}',
    ];
    expect(await read(lines.join('\r\n'), undefined, 'ndjson')).toEqual([
      [1, { sku: 'a', name: '', price: '2.55' }],
      [3, { sku: "'=1", name: '', price: '1' }],
      [4, 'is not a JSON object'],
      [5, 'is not a JSON object'],
      [6, 'is not a JSON object'],
      [7, "has the unknown field 'pric'; the nearest is 'price'"],
      [8, 'sku must be text or a number'],
      [9, "has the unknown field '__proto__'; the nearest is 'price'"],
    ]);
    expect(await read('{"Code":"a","price":1,"more":[1]}', 'Code=sku', 'ndjson')).toEqual([
      [1, { sku: 'a', name: '', price: '1' }],
    ]);
  });
});
