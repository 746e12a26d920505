import { issue } from './input-issue.ts';

/** The fields of a query in order, percent-decoded. Throws `INVALID_INPUT` for what is no UTF-8, and for NUL. */
export function parseQuery(query: string): Map<string, string[]> {
  const fields = new Map<string, string[]>();
  if (query === '') return fields;
  for (const pair of query.split('&')) {
    if (pair === '') continue;
    const at = pair.indexOf('=');
    const name = decode(at === -1 ? pair : pair.slice(0, at), '');
    const value = at === -1 ? '' : decode(pair.slice(at + 1), name);
    const values = fields.get(name);
    if (values) values.push(value);
    else fields.set(name, [value]);
  }
  return fields;
}

function decode(text: string, field: string): string {
  let decoded = text.replaceAll('+', ' ');
  if (decoded.includes('%')) {
    try {
      decoded = decodeURIComponent(decoded);
    } catch {
      throw issue(field, 'must be percent-encoded UTF-8', 'invalid_encoding');
    }
  }
  if (decoded.includes('\0')) throw issue(field, 'must not contain NUL', 'invalid_encoding');
  return decoded;
}
