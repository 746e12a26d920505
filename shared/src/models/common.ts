import { z } from 'zod';

/** A UUIDv7. */
export const Id = z
  .uuid()
  .meta({ id: 'Id', description: 'A UUID, version 7', examples: ['01890a5d-ac96-774b-bcce-b302099a8057'] });

/** ISO 4217. */
export const Currency = z
  .string()
  .regex(/^[A-Z]{3}$/, 'must be a currency code of three capital letters, such as GBP')
  .meta({ id: 'Currency', description: 'An ISO 4217 currency code', examples: ['GBP'] });

/** ISO 8601, `YYYY-MM-DD`: a day on the tenant's own calendar. */
export const CalendarDay = z.iso
  .date('must be a calendar day, such as 2010-12-31')
  // The calendar has no year 0.
  .refine((day) => day >= '0001', 'must be a calendar day, such as 2010-12-31')
  .meta({ id: 'CalendarDay', examples: ['2010-12-31'] });

export const TimeZone = z
  .string()
  .max(64)
  .refine(isTimeZone, 'must be an IANA time zone, such as Europe/London')
  .meta({ id: 'TimeZone', description: 'An IANA time zone', examples: ['Europe/London'] });

function isTimeZone(zone: string): boolean {
  try {
    return (
      new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone.length > 0 && !/^[+-]/.test(zone)
    );
  } catch {
    return false;
  }
}

/** A decimal number as text: up to 15 digits and 4 decimals, so that nothing is lost in a float. */
export const Decimal = z
  .string()
  .regex(/^-?\d{1,15}(\.\d{1,4})?$/, 'must be a decimal number with at most 4 decimals, written as text')
  .meta({ id: 'Decimal', examples: ['10.99'] });

export const Money = z
  .object({ amount: Decimal, currency: Currency })
  .meta({ id: 'Money', description: 'An exact amount. At least the decimals of the currency, at most 4' });
export type Money = z.output<typeof Money>;

/** A price to be set: an exact amount that is not below zero. */
export const Price = z
  .strictObject({
    amount: z
      .string()
      .regex(
        /^\d{1,15}(\.\d{1,4})?$/,
        'must be a decimal number of at least 0 with at most 4 decimals, written as text',
      )
      .meta({ examples: ['10.99'] }),
    currency: Currency,
  })
  .meta({ id: 'Price', description: 'An exact amount of at least 0' });

/** An opaque, tamper-checked position in a list. */
const Cursor = z
  .string()
  .min(1)
  .max(1024)
  .meta({
    description: 'The `nextCursor` or `previousCursor` of an earlier page',
    examples: ['AYk6XayWd0u8zrMCCZqAVw'],
  });

export const pageInput = {
  limit: z
    .int()
    .min(1)
    .max(100)
    .default(20)
    .meta({ description: 'Items per page', examples: [20] }),
  cursor: Cursor.optional(),
  withTotal: z
    .boolean()
    .default(false)
    .meta({ description: 'Whether `totalCount` is counted', examples: [true] }),
};

/** A page of `item`s; `totalCount` is null unless `withTotal` was asked. */
export const pageOf = <T extends z.ZodType>(item: T, id: string) =>
  z
    .object({
      items: z.array(item),
      nextCursor: z.string().nullable(),
      previousCursor: z.string().nullable(),
      totalCount: z.int().nullable(),
    })
    .meta({ id });

/** `-createdAt,name`: fields of the allow-list, a minus for descending. */
export const sortOf = (fields: readonly [string, ...string[]], fallback: string) => {
  const field = `-?(${fields.join('|')})`;
  return z
    .string()
    .max(200)
    .regex(
      new RegExp(`^${field}(,${field}){0,3}$`),
      `must be a comma-separated list of ${fields.join(', ')}, each with - for descending`,
    )
    .default(fallback)
    .meta({ description: `Sort by ${fields.join(', ')}; - for descending`, examples: [fallback] });
};

export const Words = z
  .string()
  .trim()
  .min(1)
  .max(200)
  .meta({ description: 'Words to search for', examples: ['red mug'] });

/** What every stored resource carries. */
export const stamps = {
  createdAt: z.date(),
  updatedAt: z.date(),
  version: z.int().meta({ description: 'Rises by one with every change; the ETag over REST', examples: [1] }),
};

/** The version the caller has seen; another one on the server is `VERSION_CONFLICT`. `If-Match` over REST. */
export const expectedVersion = z
  .int()
  .min(1)
  .optional()
  .meta({ description: 'The version that the change is meant for', examples: [3] });

/** Where an event stream goes on: after this event. `Last-Event-ID` over REST. */
export const lastEventId = z
  .string()
  .max(200)
  .optional()
  .meta({ description: 'The id of the last event seen, from which the stream resumes', examples: ['AAAAAAAAAGQ'] });

export const text = (max: number) => z.string().trim().min(1).max(max);
export const EmailAddress = z
  .email()
  .max(254)
  .toLowerCase()
  .meta({ id: 'EmailAddress', examples: ['owner@demo.olympus.test'] });
export const Country = z
  .string()
  .trim()
  .min(1)
  .max(64)
  .meta({ examples: ['United Kingdom'] });

/** A line of an import that was not taken, and why. */
export const LineError = z
  .object({ line: z.int().meta({ description: 'From 1, as an editor counts' }), message: z.string() })
  .meta({ id: 'LineFault' });
