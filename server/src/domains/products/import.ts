import type { contracts } from '@olympus/contracts';
import { append } from '../../events/outbox.ts';
import type { Handler } from '../../kernel/implement.ts';
import { Distinct } from '../intake/distinct.ts';
import { runImport, type ImportJob } from '../intake/run.ts';
import { lastOfEach, productLineOf, productTable, type ProductColumn, type ProductLine } from './import-lines.ts';
import { writeProducts } from './import-repository.ts';

const batchSize = 250;

/** Imports products by sku: new ones are added, known ones changed where the lines say something else. */
export const createProductImport =
  (): Handler<typeof contracts.products.import> =>
  async ({ input, ctx }) => {
    const seen = new Distinct();
    const writer = { userId: ctx.principal.userId, currency: ctx.principal.currency, now: ctx.clock.now() };
    const count = (lines: readonly ProductLine[]) => lines.forEach(({ sku }) => seen.add(sku));
    const job: ImportJob<ProductColumn, ProductLine> = {
      table: productTable,
      batchSize,
      read: productLineOf,
      together: () => false,
      check: async (lines) => {
        count(lines);
        return [];
      },
      write: async (lines) => {
        const products = lastOfEach(lines).map((line) => ({ ...line, id: ctx.ids.next(), movementId: ctx.ids.next() }));
        await ctx.transaction(async (tx) => {
          const changed = await writeProducts(tx.db, products, writer);
          if (changed > 0)
            await append<'products.imported'>(
              tx,
              { topic: 'products', id: null },
              { type: 'products.imported', products: changed },
            );
        });
        count(lines);
        return [];
      },
      finish: async () => {},
    };
    const { lines, failed, errors } = await runImport(ctx, input, job);
    const imported = input.dryRun ? 0 : lines - failed;
    return { dryRun: input.dryRun, lines, imported, failed, orders: 0, products: seen.size, customers: 0, errors };
  };
