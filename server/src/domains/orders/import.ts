import type { contracts } from '@olympus/contracts';
import type { Handler } from '../../kernel/implement.ts';
import { runImport, type ImportJob } from '../intake/run.ts';
import { orderLineOf, orderTable, prefixesOf, type OrderColumn, type OrderInputLine } from './import-lines.ts';
import { batchSize, OrderImport } from './import-run.ts';

/** Brings figures of the tenant up to date, or leaves them to somebody else after a while. */
export type SettleFigures = (tenantId: string) => Promise<void>;

/** Imports order lines; products, customers and orders come from them, and figures, since who imports looks at them next. */
export const createOrderImport =
  (settle: SettleFigures): Handler<typeof contracts.orders.import> =>
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
      finish: async () => {
        await run.finish();
        await settle(ctx.principal.tenantId).catch((err: unknown) =>
          ctx.log.warn({ requestId: ctx.requestId, err }, 'figures are brought up to date later'),
        );
      },
    };
    const { lines, failed, errors } = await runImport(ctx, input, job);
    const imported = input.dryRun ? 0 : lines - failed;
    return { dryRun: input.dryRun, lines, imported, failed, ...run.counts(), errors };
  };
