/** Why a line cannot be imported, in words that follow its number. */
export class LineFault extends Error {
  override readonly name = 'LineFault';
}

// PostgreSQL's text holds no NUL, and UTF-8 no half of a pair.
const unstorable = /[\0\p{Surrogate}]/u;

/** Text as it stands in the cell, up to `max` characters. */
export function textOf(cell: string, column: string, max: number): string {
  if (cell.length > max) throw new LineFault(`${column} is longer than ${max} characters`);
  if (unstorable.test(cell)) throw new LineFault(`${column} has a character that cannot be stored`);
  return cell;
}

/** Text that is not empty. */
export function filledOf(cell: string, column: string, max: number): string {
  if (cell === '') throw new LineFault(`${column} is empty`);
  return textOf(cell, column, max);
}

const wholeNumber = /^[+-]?\d{1,10}$/;
/** A whole number whose size is at most `max`. */
export function integerOf(cell: string, column: string, max: number): number {
  const text = cell.trim();
  const value = Number(text);
  if (!wholeNumber.test(text)) throw new LineFault(`${column} must be a whole number, not ${shown(cell)}`);
  if (Math.abs(value) > max) throw new LineFault(`${column} is beyond ${max}`);
  return value;
}

// Databases write 2.55 as 2.550000, so zeros beyond the fourth decimal are no fault.
const decimal = /^[+-]?(?:\d{1,12}(?:\.(?:\d{1,4}0{0,12})?)?|\.\d{1,4}0{0,12})$/;
/** A decimal number of at most 12 digits and 4 decimals, as the text that SQL reads. */
export function decimalOf(cell: string, column: string): string {
  const text = cell.trim();
  if (!decimal.test(text))
    throw new LineFault(`${column} must be a decimal number with at most 4 decimals, such as 2.55, not ${shown(cell)}`);
  return text;
}

/** A cell as a message may show it. */
export const shown = (cell: string): string =>
  cell === '' ? 'nothing' : `'${detached(cell.length > 40 ? `${cell.slice(0, 40)}…` : cell)}'`;

/** A copy of text that is kept for long: a cell is a view into its line, and would keep all of it in memory. */
export const detached = (text: string): string => Buffer.from(text).toString();
