import { invalidInput } from '../../kernel/steps/validate.ts';
import { headerOf, nearestTo, targetOf, type Cells, type Mapping, type Table } from './columns.ts';
import { CsvReader, type RawRow } from './csv.ts';
import type { Line } from './lines.ts';

export type Format = 'csv' | 'ndjson';

/** One line of the input as the table's cells, or the fault that keeps it from being read. */
export type Row<Column extends string> =
  | { readonly line: number; readonly cells: Cells<Column>; readonly fault: null }
  | { readonly line: number; readonly cells: null; readonly fault: string };

export interface Layout<Column extends string> {
  readonly format: Format;
  readonly table: Table<Column>;
  readonly mapping: Mapping<Column>;
}

/** The rows of an input, as many at a time as its bytes came with. Throws `INVALID_INPUT` when its columns do not fit. */
export function rowsOf<Column extends string>(
  lines: AsyncIterable<Line[]>,
  layout: Layout<Column>,
): AsyncGenerator<Row<Column>[]> {
  return layout.format === 'csv' ? csvRows(lines, layout) : jsonRows(lines, layout);
}

async function* csvRows<Column extends string>(
  lines: AsyncIterable<Line[]>,
  { table, mapping }: Layout<Column>,
): AsyncGenerator<Row<Column>[]> {
  const reader = new CsvReader();
  const blank = blankOf(table);
  const isText = new Set<string>(table.text);
  let header: (Column | null)[] | undefined;
  const rows = (raw: RawRow[]): Row<Column>[] => {
    const [first] = raw;
    if (!header && first) {
      if (first.fault !== null) throw unreadable(`the line of column names ${first.fault}`);
      header = headerOf(first.cells, mapping, table);
      raw.shift();
    }
    const known = header ?? [];
    return raw.map((row) => csvRow(row, known));
  };
  const csvRow = ({ line, cells, fault }: RawRow, known: readonly (Column | null)[]): Row<Column> => {
    if (fault !== null) return { line, cells: null, fault };
    if (cells.length !== known.length)
      return { line, cells: null, fault: `has ${count(cells.length, 'cell')} where ${known.length} were expected` };
    const named = { ...blank };
    for (const [index, column] of known.entries()) {
      const cell = cells[index] ?? '';
      if (column) named[column] = isText.has(column) ? unguarded(cell) : cell;
    }
    return { line, cells: named, fault: null };
  };
  for await (const group of lines) yield rows(reader.read(group));
  yield rows(reader.end());
  if (!header) throw unreadable('is empty: the first line must name the columns');
}

/** Takes away the one apostrophe that an export puts before a cell which a spreadsheet would run as a formula. */
const unguarded = (cell: string): string => (cell[0] === "'" && guarded.test(cell) ? cell.slice(1) : cell);
const guarded = /^'+[=+\-@\t\r]/;

async function* jsonRows<Column extends string>(
  lines: AsyncIterable<Line[]>,
  layout: Layout<Column>,
): AsyncGenerator<Row<Column>[]> {
  const blank = blankOf(layout.table);
  for await (const group of lines)
    yield group
      .filter((line) => line.fault !== null || line.text.trim() !== '')
      .map((line) => jsonRow(line, layout, { ...blank }));
}

function jsonRow<Column extends string>(
  { number: line, text, fault }: Line,
  { table, mapping }: Layout<Column>,
  cells: Record<Column, string>,
): Row<Column> {
  const faulty = (why: string): Row<Column> => ({ line, cells: null, fault: why });
  if (fault !== null) return faulty(fault);
  const value = parsed(text);
  if (value === null) return faulty('is not a JSON object');
  for (const [name, given] of Object.entries(value)) {
    const column = targetOf(name, mapping, table);
    if (column === null) {
      if (mapping.size > 0) continue;
      return faulty(`has the unknown field '${name}'; the nearest is '${nearestTo(name, table.columns)}'`);
    }
    if (given === null) continue;
    if (typeof given !== 'string' && typeof given !== 'number') return faulty(`${column} must be text or a number`);
    cells[column] = String(given);
  }
  return { line, cells, fault: null };
}

function parsed(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

const blankOf = <Column extends string>(table: Table<Column>): Record<Column, string> =>
  Object.fromEntries(table.columns.map((column) => [column, ''])) as Record<Column, string>;

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;

const unreadable = (message: string) =>
  invalidInput([{ field: 'content', code: 'invalid_format', message, nearest: null }]);
