import { sql, type SQL } from 'drizzle-orm';

type Scalar = string | number | bigint | boolean | Date | null;

/**
 * One array parameter: ``sql`select * from unnest(${array(skus)}::text[])` ``. Drizzle turns a bare array into a list of
 * parameters instead. The cast is required; an array of an enum is cast twice (`::text[]::order_status[]`).
 */
export function array(values: readonly Scalar[]): SQL {
  return sql`${sql.param(encodeArray(values))}`;
}

/** One `json` or `jsonb` parameter. Plain objects need no help; arrays and strings do. */
export function json(value: unknown): SQL {
  return sql`${sql.param(JSON.stringify(value))}`;
}

/** PostgreSQL's text form of an array: `{"a","b\"c",NULL}`. */
export function encodeArray(values: readonly Scalar[]): string {
  return `{${values.map(encodeElement).join(',')}}`;
}

function encodeElement(value: Scalar): string {
  if (value === null) return 'NULL';
  if (value instanceof Date) return `"${value.toISOString()}"`;
  if (typeof value === 'string') return `"${value.replace(/["\\]/g, '\\$&')}"`;
  return String(value);
}

/** Reads the text form of a one-dimensional array. */
export function parseArray<T>(text: string, element: (text: string) => T): (T | null)[] {
  const values: (T | null)[] = [];
  let at = text.indexOf('{') + 1;
  while (at < text.length && text[at] !== '}') {
    if (text[at] === '"') {
      let value = '';
      for (at++; text[at] !== '"'; at++) {
        if (text[at] === '\\') at++;
        value += text[at];
      }
      at++;
      values.push(element(value));
    } else {
      const start = at;
      while (at < text.length && text[at] !== ',' && text[at] !== '}') at++;
      const value = text.slice(start, at);
      values.push(value === 'NULL' ? null : element(value));
    }
    if (text[at] === ',') at++;
  }
  return values;
}
