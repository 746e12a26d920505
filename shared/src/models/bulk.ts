import { z } from 'zod';
import { Problem } from '../errors.ts';
import { LineError } from './common.ts';

/** What one item of a batch came to: its status and either the resource, under `name`, or the problem. */
export const batchResultOf = <const N extends string, T extends z.ZodType>(name: N, resource: T, id: string) => {
  // A computed key would widen every field of the item to one union.
  const outcome = { [name]: resource.nullable() } as Record<N, z.ZodNullable<T>>;
  const item = z.object({
    index: z.int(),
    status: z.int().meta({ examples: [201] }),
    ...outcome,
    error: Problem.nullable(),
  });
  return z.object({ results: z.array(item.meta({ id: `${id}Item` })) }).meta({ id });
};

/** How an import names its columns and reads its values, for any retailer's file. */
export const importOptions = {
  format: z
    .enum(['csv', 'ndjson'])
    .meta({ id: 'ImportFormat' })
    .optional()
    .meta({ description: 'By the media type over REST; otherwise csv' }),
  dryRun: z
    .boolean()
    .default(false)
    .meta({ description: 'Check only', examples: [true] }),
  strict: z
    .boolean()
    .default(false)
    .meta({ description: 'Refuse the whole input when one line has a fault', examples: [true] }),
  columns: z
    .string()
    .max(2000)
    .optional()
    .meta({
      description: '`SOURCE=target,…`: which column is which field',
      examples: ['InvoiceNo=number,StockCode=sku'],
    }),
  content: z.string().optional().meta({ description: 'The lines themselves, where they are not streamed as the body' }),
};

export const ImportReport = z
  .object({
    dryRun: z.boolean(),
    lines: z.int().meta({ description: 'Lines read, without the header' }),
    imported: z.int().meta({ description: 'Lines imported' }),
    failed: z.int().meta({ description: 'Lines with a fault, skipped' }),
    orders: z.int(),
    products: z.int(),
    customers: z.int(),
    errors: z.array(LineError).meta({ description: 'The first 1,000 faults' }),
  })
  .meta({ id: 'ImportReport' });
export type ImportReport = z.output<typeof ImportReport>;
