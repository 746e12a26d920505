import type { AnySchema } from '@olympus/contracts';
import { stringify } from 'csv-stringify/sync';
import type { z } from 'zod';
import { fieldsOf, scalarOf, unwrapped } from './schema-shape.ts';

const formula = /^'*[=+\-@\t\r]/;
const decimal = /^-?\d+(\.\d+)?$/;

/**
 * Text that a spreadsheet would run as a formula gets a leading apostrophe, which an import takes away again.
 * https://owasp.org/www-community/attacks/CSV_Injection
 */
export const textCell = (text: string): string => (formula.test(text) ? `'${text}` : text);

export interface CsvEncoder {
  readonly header: string;
  readonly rows: (items: readonly unknown[]) => string;
}

/** Compiles the encoding of an object schema's items: its fields are the columns. Throws when it has none. */
export function csvEncoder(schema: AnySchema): CsvEncoder {
  const columns = Object.entries(fieldsOf(schema)).map(([name, field]) => ({ name, cell: cellOf(field) }));
  if (columns.length === 0) throw new Error('a CSV document needs fields');
  return {
    header: stringify([columns.map(({ name }) => name)]),
    rows: (items) =>
      stringify(items.map((item) => columns.map(({ name, cell }) => cell((item as Record<string, unknown>)[name])))),
  };
}

/** Numbers are known by their schema, or by the format of a decimal that is written as text. */
function cellOf(field: z.core.$ZodType): (value: unknown) => string {
  const numeric = scalarOf(field) === 'number';
  const decimals = isDecimal(field);
  return (value) => {
    if (value === null || value === undefined) return '';
    if (value instanceof Date) return value.toISOString();
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    return numeric || (decimals && decimal.test(text)) ? text : textCell(text);
  };
}

function isDecimal(field: z.core.$ZodType): boolean {
  return (unwrapped(field) as unknown as z.ZodType).meta()?.['format'] === 'decimal';
}
