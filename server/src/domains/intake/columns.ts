import { closest } from 'fastest-levenshtein';
import { invalidInput } from '../../kernel/steps/validate.ts';

/** What an import reads: its columns, and which of them every input must have. */
export interface Table<Column extends string> {
  readonly columns: readonly Column[];
  readonly required: readonly Column[];
  /** Columns of text, where an export guards what a spreadsheet would run as a formula. Numbers are never guarded. */
  readonly text: readonly Column[];
}
/** Cells by column; empty where the input has no such column. */
export type Cells<Column extends string> = Readonly<Record<Column, string>>;
/** The caller's names for columns; empty when the input uses ours. */
export type Mapping<Column extends string> = ReadonlyMap<string, Column>;

/** Reads `SOURCE=target,…`. Throws `INVALID_INPUT` that names what is not known. */
export function mappingOf<Column extends string>(option: string | undefined, table: Table<Column>): Mapping<Column> {
  const mapping = new Map<string, Column>();
  const taken = new Set<string>();
  for (const pair of option?.split(',') ?? []) {
    if (pair.trim() === '') continue;
    const equals = pair.lastIndexOf('=');
    const source = pair.slice(0, equals).trim();
    const target = pair.slice(equals + 1).trim();
    if (equals < 0 || source === '' || target === '')
      throw refusal('invalid_format', `has '${pair.trim()}' where SOURCE=target was expected`);
    if (!isColumn(target, table))
      throw refusal('unknown_column', `'${target}' is not a column of this import`, {
        name: target,
        known: table.columns,
      });
    if (mapping.has(source)) throw refusal('duplicate_column', `names '${source}' twice`);
    if (taken.has(target)) throw refusal('duplicate_column', `names two columns for '${target}'`);
    mapping.set(source, target);
    taken.add(target);
  }
  return mapping;
}

/**
 * Which of our columns each column of a header is; null for one that is left aside. Without a mapping every column must
 * be known; with one, the columns it does not name are left aside unless they have our names.
 */
export function headerOf<Column extends string>(
  names: readonly string[],
  mapping: Mapping<Column>,
  table: Table<Column>,
): (Column | null)[] {
  const given = names.map((name) => name.trim());
  for (const source of mapping.keys())
    if (!given.includes(source))
      throw refusal('unknown_column', `the input has no column '${source}'`, { name: source, known: given });
  const header = given.map((name) => targetOf(name, mapping, table));
  const unknown = given.find((_, index) => header[index] === null);
  if (mapping.size === 0 && unknown !== undefined)
    throw refusal('unknown_column', `'${unknown}' is not a column of this import`, {
      name: unknown,
      known: table.columns,
    });
  const twice = header.find((column, index) => column !== null && header.indexOf(column) !== index);
  if (twice) throw refusal('duplicate_column', `the input has two columns for '${twice}'`);
  const missing = table.required.find((column) => !header.includes(column));
  if (missing)
    throw refusal('missing_column', `the input has no column for '${missing}'`, { name: missing, known: given });
  return header;
}

/** Which of our columns a name stands for; null for none. */
export function targetOf<Column extends string>(
  name: string,
  mapping: Mapping<Column>,
  table: Table<Column>,
): Column | null {
  const mapped = mapping.get(name);
  if (mapped) return mapped;
  return isColumn(name, table) && ![...mapping.values()].includes(name) ? name : null;
}

/** The known name that is nearest to a mistyped one. */
export const nearestTo = (name: string, known: readonly string[]): string | null =>
  known.length ? closest(name, [...known]) : null;

const isColumn = <Column extends string>(name: string, table: Table<Column>): name is Column =>
  (table.columns as readonly string[]).includes(name);

function refusal(code: string, message: string, mistyped?: { name: string; known: readonly string[] }) {
  const nearest = mistyped ? nearestTo(mistyped.name, mistyped.known) : null;
  return invalidInput([
    { field: 'columns', code, nearest, message: nearest ? `${message}; the nearest is '${nearest}'` : message },
  ]);
}
