import { LineFault, shown } from './values.ts';

export type DateStyle = 'ISO' | 'M/D/YYYY H:MM';

/** A moment as a line tells it: an instant in milliseconds since the epoch, or the local time `2010-12-01 08:26:00.000`. */
export type Moment = number | string;

const iso =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?(?: ?(Z|[+-]\d{2}(?::?\d{2})?))?)?$/i;
const american = /^(\d{1,2})\/(\d{1,2})\/(\d{4}) (\d{1,2}):(\d{2})(?::(\d{2}))?$/;

const expected: Readonly<Record<DateStyle, string>> = {
  ISO: 'an instant in ISO 8601, such as 2010-12-01T08:26 or 2010-12-01T08:26:00Z',
  'M/D/YYYY H:MM': 'an instant as M/D/YYYY H:MM, such as 12/1/2010 8:26',
};

/** Reads a date with its time; one without a zone is local. Throws `LineFault` for days and hours that do not exist. */
export function momentOf(cell: string, column: string, style: DateStyle): Moment {
  const text = cell.trim();
  const moment = style === 'ISO' ? isoMoment(text) : americanMoment(text);
  if (moment === null) throw new LineFault(`${column} must be ${expected[style]}, not ${shown(cell)}`);
  return moment;
}

function isoMoment(text: string): Moment | null {
  const match = iso.exec(text);
  if (!match) return null;
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', zone] = match;
  const millisecond = Number(fraction.padEnd(3, '0').slice(0, 3));
  const utc = utcOf([year, month, day, hour, minute, second].map(Number), millisecond);
  if (utc === null) return null;
  if (zone === undefined) return localText(utc);
  const offset = offsetOf(zone);
  return offset === null ? null : utc - offset;
}

function americanMoment(text: string): Moment | null {
  const match = american.exec(text);
  if (!match) return null;
  const [, month, day, year, hour, minute, second = '0'] = match;
  const utc = utcOf([year, month, day, hour, minute, second].map(Number), 0);
  return utc === null ? null : localText(utc);
}

/** Milliseconds of a calendar time read as UTC; null where the calendar has no such time. */
function utcOf(parts: readonly number[], millisecond: number): number | null {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts;
  if (year < 1000 || hour > 23 || minute > 59 || second > 59) return null;
  const utc = Date.UTC(year, month - 1, day, hour, minute, second, millisecond);
  // Date.UTC carries 30 February over to March.
  const date = new Date(utc);
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day ? utc : null;
}

/** Milliseconds east of UTC; null beyond what ISO 8601 allows. */
function offsetOf(zone: string): number | null {
  if (/^z$/i.test(zone)) return 0;
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(3).replace(':', '') || '0')];
  if (hours > 23 || minutes > 59) return null;
  return (zone[0] === '-' ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}

const localText = (utc: number): string => new Date(utc).toISOString().slice(0, -1).replace('T', ' ');
