import type { contracts } from '@olympus/contracts';
import type { Handler } from '../../kernel/implement.ts';
import { runImport, type ImportJob } from '../intake/run.ts';
import { orderLineOf, orderTable, prefixesOf, type OrderColumn, type OrderInputLine } from './import-lines.ts';
import { batchSize, OrderImport } from './import-run.ts';

/** Imports order lines; products, customers and orders come from them. */
export const createOrderImport =
  (): Handler<typeof contracts.orders.import> =>
  async ({ input, ctx }) => {
    const run = new OrderImport(ctx);
    const style = { prefixes: prefixesOf(input.kinds), dates: input.dates ?? ('ISO' as const) };
    const job: ImportJob<OrderColumn, OrderInputLine> = {
      table: orderTable,
      batchSize,
      read: (cells, line) => orderLineOf(cells, line, style),
      together: (before, line) => before.number === line.number,
      check: (lines) => run.check(lines),
      write: (lines) => run.write(lines),
      finish: () => run.finish(),
    };
    const { lines, failed, errors } = await runImport(ctx, input, job);
    const imported = input.dryRun ? 0 : lines - failed;
    return { dryRun: input.dryRun, lines, imported, failed, ...run.counts(), errors };
  };
