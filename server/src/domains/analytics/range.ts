import { invalidInput } from '../../kernel/steps/validate.ts';

/** Days of the tenant's calendar, both included; null: unbounded. */
export interface DayRange {
  readonly from: string | null;
  readonly to: string | null;
}

export function rangeOf({ from, to }: { from?: string | undefined; to?: string | undefined }): DayRange {
  if (from !== undefined && to !== undefined && from > to) {
    const message = `must not be after to, which is ${to}`;
    throw invalidInput([{ field: 'from', message, code: 'invalid_range', nearest: null }]);
  }
  return { from: from ?? null, to: to ?? null };
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** The day (`2010-12-31`) that an instant falls on in a time zone. */
export function dayOf(instant: Date, timeZone: string): string {
  let format = formats.get(timeZone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' });
    formats.set(timeZone, format);
  }
  return format.format(instant);
}

const dayMs = 86_400_000;

/** As many days as `days`, of which `last` is the last. */
export const daysUntil = (last: string, days: number): { from: string; to: string } => ({
  from: new Date(Date.parse(last) - (days - 1) * dayMs).toISOString().slice(0, 10),
  to: last,
});
