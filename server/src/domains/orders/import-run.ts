import { constraintOf } from '@olympus/database';
import { append } from '../../events/outbox.ts';
import type { Context, TransactionContext } from '../../kernel/context.ts';
import { Failure } from '../../kernel/failure.ts';
import { Distinct } from '../intake/distinct.ts';
import type { Fault } from '../intake/report.ts';
import { NotSeenYet, ordersOf, withoutTaken } from './import-batch.ts';
import { CustomerBook, ProductBook, type FoundCustomers, type IdsByKey } from './import-books.ts';
import type { OrderInputLine } from './import-lines.ts';
import { dropSurplusItems, lockOrders, planAnew, takenNumbers, writeOrders, type Run } from './import-repository.ts';
import { LocalTimes } from './import-times.ts';

/** A transaction of so many lines holds its locks, and the one session of an embedded database, for less than 50 ms. */
export const batchSize = 250;
const attempts = 5;

/** Whether tables may have outgrown the plans of the batches before: they grow fast at first. */
const plansAreOld = (batch: number): boolean => batch % 16 === 0 || [1, 2, 4, 8].includes(batch);

interface Written {
  readonly left: readonly OrderInputLine[];
  readonly faults: readonly Fault[];
  readonly products: IdsByKey;
  readonly customers: FoundCustomers;
}

/** One run of an import. Its id tells its orders from those of earlier runs, which it writes over. */
export class OrderImport {
  private readonly ctx: Context;
  private readonly run: Omit<Run, 'now'> & Pick<Context, 'ids'>;
  private readonly products = new ProductBook();
  private readonly customers = new CustomerBook();
  private readonly times: LocalTimes;
  private readonly written = new Distinct();
  private batches = 0;
  private readonly seen = { orders: new Distinct(), products: new Distinct(), customers: new Distinct() };

  constructor(ctx: Context) {
    const { currency, timeZone } = ctx.principal;
    this.ctx = ctx;
    this.run = { importId: ctx.ids.next(), currency, timeZone, ids: ctx.ids };
    this.times = new LocalTimes(timeZone);
  }

  counts() {
    const { orders, products, customers } = this.seen;
    return { orders: orders.size, products: products.size, customers: customers.size };
  }

  async check(lines: readonly OrderInputLine[]): Promise<Fault[]> {
    const taken = await takenNumbers(this.ctx.db, [...new Set(lines.map((line) => line.number))]);
    const { left, faults } = withoutTaken(lines, taken);
    this.count(left);
    return faults;
  }

  async write(lines: readonly OrderInputLine[], attempt = 1): Promise<Fault[]> {
    if (this.products.full) await this.renewProducts();
    await this.times.read(this.ctx.db, lines);
    try {
      const done = await this.ctx.transaction((tx) => this.writeBatch(tx, lines));
      this.products.remember(done.products, done.left, this.times.timeOf);
      this.customers.remember(done.customers.ids);
      this.count(done.left);
      for (const line of done.left) this.written.add(line.number);
      return [...done.faults];
    } catch (error) {
      // Another transaction added the same order, product or customer between our look and our write.
      const overtaken = error instanceof NotSeenYet || constraintOf(error) === 'order_items_order';
      if (overtaken && attempt < attempts) return this.write(lines, attempt + 1);
      throw error;
    }
  }

  async finish(): Promise<void> {
    await this.renewProducts();
  }

  private async writeBatch(tx: TransactionContext, lines: readonly OrderInputLine[]): Promise<Written> {
    const { db } = tx;
    const { timeOf } = this.times;
    const run = { ...this.run, now: tx.clock.now(), timeOf };
    const { importId } = run;
    if (plansAreOld(++this.batches)) await planAnew(db);
    const known = await lockOrders(db, [...new Set(lines.map((line) => line.number))]);
    const taken = known.filter((order) => order.importId === null);
    const { left, faults } = withoutTaken(lines, new Set(taken.map((order) => order.number)));
    const products = await this.products.resolve(db, run, left);
    const customers = await this.customers.resolve(db, run, left);
    if (left.length === 0) return { left, faults, products, customers };

    const { heads, items, outgrown } = ordersOf(left, {
      known,
      importId,
      timeOf,
      productId: (sku) => products.get(sku) ?? this.products.id(sku),
      customerId: (code) => customers.ids.get(code) ?? this.customers.id(code),
      nextId: () => run.ids.next(),
    });
    const older = known.filter((order) => order.importId !== null && order.importId !== importId);
    if (older.some((order) => this.written.has(order.number)))
      throw new Failure('UNAVAILABLE', { retryAfter: 10 }, { detail: 'Another import of the same orders is running' });
    const staleDays = older.map((order) => order.placedOn);
    await writeOrders(db, run, { heads, items, staleDays });
    if (outgrown.length) await dropSurplusItems(db, outgrown);
    await append<'orders.imported'>(
      tx,
      { topic: 'orders', id: null },
      { type: 'orders.imported', orders: heads.length, lines: left.length },
    );
    if (customers.added > 0)
      await append<'customers.imported'>(
        tx,
        { topic: 'customers', id: null },
        { type: 'customers.imported', customers: customers.added },
      );
    return { left, faults, products, customers };
  }

  private count(lines: readonly OrderInputLine[]): void {
    for (const { number, sku, customer } of lines) {
      this.seen.orders.add(number);
      this.seen.products.add(sku);
      if (customer.trim() !== '') this.seen.customers.add(customer);
    }
  }

  private async renewProducts(): Promise<void> {
    for (const news of this.products.takeNews(batchSize / 2))
      await this.ctx.transaction(async (tx) => {
        const products = await this.products.write(tx.db, { ...this.run, now: tx.clock.now() }, news);
        if (products > 0)
          await append<'products.imported'>(
            tx,
            { topic: 'products', id: null },
            { type: 'products.imported', products },
          );
      });
  }
}
