import { parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { CsvReader, type RawRow } from './csv.ts';
import { linesOf, maxRecordBytes } from './lines.ts';

/** Reads a document that comes in pieces of `size` bytes. */
async function read(text: string | Buffer, size = 65_536): Promise<RawRow[]> {
  const bytes = Buffer.from(text);
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
  const reader = new CsvReader();
  const rows: RawRow[] = [];
  for await (const lines of linesOf(Readable.from(chunks))) rows.push(...reader.read(lines));
  return [...rows, ...reader.end()];
}
const cellsOf = (rows: RawRow[]) => rows.map((row) => row.cells);

/** The same numbers on every run. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

describe('reading CSV', () => {
  it('agrees with csv-parse on documents of every kind, whatever pieces they come in', async () => {
    const pick = numbers(7);
    const alphabet = ['a', 'É', '🛒', ' ', ',', '"', '\n', '\r\n', "'", '=', '', 'word'];
    for (let document = 0; document < 60; document++) {
      const width = 1 + pick(5);
      const cell = () => Array.from({ length: pick(6) }, () => alphabet[pick(alphabet.length)]).join('');
      const records = Array.from({ length: 1 + pick(20) }, () => ['x', ...Array.from({ length: width }, cell)]);
      const ending = pick(2) ? '\n' : '\r\n';
      const text = stringify(records, {
        record_delimiter: ending,
        bom: pick(2) === 1,
        quoted: pick(2) === 1,
        quoted_match: /[\r\n]/,
      });
      const expected: string[][] = parse(text, { bom: true });
      expect(cellsOf(await read(text, 1 + pick(9)))).toEqual(expected);
      expect(expected).toEqual(records);
    }
  });

  it('counts lines as an editor does', async () => {
    const rows = await read('a,b\n\n"one\ntwo\r\nthree",2\r\nx,3\n\n\nlast,4');
    expect(rows.map(({ line, cells }) => [line, cells])).toEqual([
      [1, ['a', 'b']],
      [3, ['one\ntwo\r\nthree', '2']],
      [6, ['x', '3']],
      [9, ['last', '4']],
    ]);
  });

  it('keeps quotes that stand inside a cell, and cells as they are', async () => {
    expect(cellsOf(await read('12" RULER, spaced ,\n,,\n"say ""hi""",\'=1,"",""'))).toEqual([
      ['12" RULER', ' spaced ', ''],
      ['', '', ''],
      ['say "hi"', "'=1", '', ''],
    ]);
  });

  it('loses one line to a quote that is not closed, and none after it', async () => {
    const body = Array.from({ length: 500 }, (_, index) => `${index},x`);
    body[100] = '100,"abc';
    body[300] = '300,"comma, inside"';
    const rows = await read(body.join('\n'));
    expect(rows).toHaveLength(500);
    expect(rows.filter((row) => row.fault !== null)).toEqual([
      { line: 101, cells: [], fault: 'has text after a closing quote' },
    ]);
    expect(rows.find((row) => row.line === 301)?.cells).toEqual(['300', 'comma, inside']);
    const open = await read('a,b\n1,"x\n2,y\n3,z');
    expect(open.map(({ line, fault }) => [line, fault])).toEqual([
      [1, null],
      [2, 'opens a quote that is not closed'],
      [3, null],
      [4, null],
    ]);
  });

  it('refuses text after a closing quote, by line', async () => {
    expect(await read('a\n"b"c\nd')).toEqual([
      { line: 1, cells: ['a'], fault: null },
      { line: 2, cells: [], fault: 'has text after a closing quote' },
      { line: 3, cells: ['d'], fault: null },
    ]);
  });

  it('bounds a line, a quoted cell, and what it holds of either', async () => {
    const long = 'x'.repeat(maxRecordBytes + 1);
    expect((await read(`a\n${long}\nb\n${long}`, 1000)).map(({ line, fault }) => [line, fault])).toEqual([
      [1, null],
      [2, `is longer than ${maxRecordBytes} bytes`],
      [3, null],
      [4, `is longer than ${maxRecordBytes} bytes`],
    ]);
    const lines = Array.from({ length: 3000 }, (_, index) => `${index},${'y'.repeat(40)}`);
    lines[10] = '10,"never closed';
    const rows = await read(lines.join('\n'));
    expect(rows).toHaveLength(3000);
    expect(rows.filter((row) => row.fault !== null)).toEqual([
      { line: 11, cells: [], fault: `has a quoted cell of more than ${maxRecordBytes} bytes` },
    ]);
  });

  it('takes time in proportion to its input, whatever its quotes', async () => {
    const kinds = ['x,"a', 'x,""', 'x,"""', 'x"y,"z', '"', '""""'];
    const pick = numbers(11);
    const lines = Array.from({ length: 200_000 }, () => kinds[pick(kinds.length)]);
    const start = performance.now();
    const rows = await read(lines.join('\n'));
    expect(rows.length).toBeGreaterThan(50_000);
    expect(performance.now() - start).toBeLessThan(5000);
  });

  it('reports what is not UTF-8, and keeps a replacement character that was there', async () => {
    const text = Buffer.concat([Buffer.from('a\nprice '), Buffer.from([0xa3]), Buffer.from('5\n\ufffd\n£')]);
    expect(await read(text, 3)).toEqual([
      { line: 1, cells: ['a'], fault: null },
      { line: 2, cells: [], fault: 'is not written in UTF-8' },
      { line: 3, cells: ['\ufffd'], fault: null },
      { line: 4, cells: ['£'], fault: null },
    ]);
  });
});
