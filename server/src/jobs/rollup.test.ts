import { sql, type Database } from '@olympus/database';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import * as figures from '../domains/analytics/figures.ts';
import { inventSales, randomFrom, reckon } from '../domains/analytics/reckoning.ts';
import {
  move,
  openTrade,
  sell,
  startFigures,
  type Sale,
  type TestFigures,
  type Trade,
} from '../domains/analytics/testing.ts';
import { databases } from '../domains/orders/testing.ts';
import { randomIds } from '../platform/ids.ts';
import { rollUp, rollUpTenant } from './rollup.ts';
import { defaultLogRetention } from '../events/retention/retention.ts';
import { openQueue } from './queue.ts';
import { queues, startJobs } from './schedule.ts';

const ahead = (seconds: number) => ({ now: () => new Date(Date.now() + seconds * 1000) });
const hourLater = ahead(3600);

describe.each(databases(process.env['TEST_DATABASE_URL']))('the roll-up, %s', (_, url) => {
  let kernel: TestFigures;
  let database: Database;
  beforeAll(async () => {
    kernel = await startFigures(url);
    database = kernel.database;
  });
  afterAll(() => kernel.close());

  const staleMonths = async ({ tenantId }: Trade) =>
    (await database.tenant(tenantId).rows<{ month: string }>(sql`select month from stale_months order by month`)).map(
      ({ month }) => month,
    );
  const rolledUp = ({ tenantId }: Trade) =>
    database
      .tenant(tenantId)
      .rows<{ month: string; revenue: string; units: string; orders: number }>(
        sql`select month, revenue, units, orders from product_months order by month, product_id`,
      );
  const topProducts = async ({ tenantId }: Trade) =>
    (await figures.topProducts({ db: database.tenant(tenantId), currency: 'GBP' }, { from: null, to: null }, 100))
      .items;
  const rollUpAll = async () => {
    for (let round = 0; (await rollUp({ database, clock: hourLater }, 50)) > 0; round++)
      if (round > 100) throw new Error('the roll-up comes to no end');
  };

  // What one test leaves would be taken for what the next one means.
  beforeEach(rollUpAll);

  it('takes months that have been quiet, the oldest mark first, as many as it is told', async () => {
    const trade = await openTrade(database, kernel.ids, { products: 1 });
    for (const month of ['2010-03', '2010-01', '2010-02']) await sell(database, trade, [saleIn(trade, `${month}-10`)]);
    expect(await rollUp({ database, clock: ahead(0) }, 10)).toBe(0);
    expect(await rollUp({ database, clock: ahead(3) }, 2)).toBe(2);
    expect(await staleMonths(trade)).toEqual(['2010-02-01']);
    expect(await rollUp({ database, clock: ahead(3) }, 2)).toBe(1);
    expect(await rolledUp(trade)).toEqual(
      ['2010-01-01', '2010-02-01', '2010-03-01'].map((month) => ({ month, revenue: '2.5000', units: '1', orders: 1 })),
    );
  });

  it('takes those of one tenant at once when it is asked to', async () => {
    const trade = await openTrade(database, kernel.ids, { products: 1 });
    const other = await openTrade(database, kernel.ids, { products: 1 });
    for (const one of [trade, other])
      for (const day of ['2010-03-01', '2010-04-10', new Date()]) await sell(database, one, [saleIn(one, day)]);
    await rollUpTenant(database, trade.tenantId);
    expect(await staleMonths(trade)).toEqual([]);
    expect(await rolledUp(trade)).toHaveLength(3);
    expect(await staleMonths(other)).toHaveLength(3);
  });

  it('leaves the running month alone for longer', async () => {
    const trade = await openTrade(database, kernel.ids, { products: 1 });
    await sell(database, trade, [saleIn(trade, new Date())]);
    expect(await rollUp({ database, clock: ahead(20) }, 10)).toBe(0);
    expect(await rollUp({ database, clock: ahead(40) }, 10)).toBe(1);
    expect(await staleMonths(trade)).toEqual([]);
  });

  it('keeps only what is still sold, and writes only what is different', async () => {
    const trade = await openTrade(database, kernel.ids, { products: 3 });
    const sales = [...trade.products.keys()].map((product) => saleIn(trade, '2010-05-05', product));
    await sell(database, trade, sales);
    await rollUpAll();
    const versions = () =>
      database
        .tenant(trade.tenantId)
        .rows<{ xmin: string }>(sql`select product_id, xmin::text from product_months order by 1`);
    const before = await versions();
    expect(before).toHaveLength(3);
    const [gone] = sales.sort((a, b) => ((a.lines[0]?.product ?? '') < (b.lines[0]?.product ?? '') ? -1 : 1));
    await move(database, gone as Sale, { trade, status: 'cancelled' });
    await rollUpAll();
    expect(await versions()).toEqual(before.slice(1));
  });

  it('comes to the same as the orders while they are written and it runs several times over', async () => {
    const trade = await openTrade(database, kernel.ids, { products: 12, customers: 3 });
    const random = randomFrom(11);
    const sales = inventSales(trade, { count: 240, from: '2010-01-01', to: '2010-04-01', random });
    let selling = true;
    const roll = async () => {
      let done = 0;
      while (selling) {
        done += await rollUp({ database, clock: hourLater }, 3);
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      return done;
    };
    const rolling = [roll(), roll(), roll()];
    const writer = async (own: Sale[]) => {
      for (const [index, sale] of own.entries()) {
        await sell(database, trade, [sale]);
        if (index % 3 === 0) await move(database, own[Math.floor(index / 2)] as Sale, { trade, status: 'cancelled' });
        await new Promise((resolve) => setTimeout(resolve, 10 * random()));
      }
    };
    await Promise.all([0, 1, 2, 3].map((part) => writer(sales.filter((_, index) => index % 4 === part))));
    selling = false;
    expect((await Promise.all(rolling)).reduce((a, b) => a + b)).toBeGreaterThan(3);
    const expected = reckon(trade, sales).topProducts;
    expect(await topProducts(trade)).toEqual(expected);
    await rollUpAll();
    expect(await staleMonths(trade)).toEqual([]);
    expect(await topProducts(trade)).toEqual(expected);
  });

  it('is one of the jobs that every process does', async () => {
    const trade = await openTrade(database, kernel.ids, { products: 1 });
    await sell(database, trade, [saleIn(trade, '2010-06-01')]);
    const error = vi.fn();
    const log = { error, warn: error, info: () => {} };
    const queue = await openQueue({ database, log, queues });
    const keys = { rotationDays: 0, jwksCacheSeconds: 300 };
    const config = { auditDays: 400, eventRetention: defaultLogRetention, keys };
    const jobs = startJobs({ database, queue, clock: hourLater, ids: randomIds, log, consumers: [], config });
    await vi.waitFor(async () => expect(await staleMonths(trade)).toEqual([]), { timeout: 10_000, interval: 50 });
    await jobs.stop();
    await queue.stop();
    expect(error).not.toHaveBeenCalled();
  });

  // The embedded database lets nobody write while a transaction is open.
  describe.runIf(url)('beside a writer', () => {
    /** Runs `meanwhile` after the month has been computed and before its mark is taken away. */
    const interrupted = (meanwhile: () => Promise<unknown>): Database => ({
      ...database,
      systemTransaction: (work) =>
        database.systemTransaction((db) =>
          work({
            ...db,
            async rows(statement) {
              if (JSON.stringify(statement).includes('delete from stale_months')) await meanwhile();
              return db.rows(statement);
            },
          }),
        ),
    });

    it('leaves a month stale that was sold in meanwhile, and makes the seller wait for nothing', async () => {
      const trade = await openTrade(database, kernel.ids, { products: 1 });
      const [early, late] = [saleIn(trade, '2010-06-01'), saleIn(trade, '2010-06-02')];
      await sell(database, trade, [early]);
      const busy = interrupted(() => sell(database, trade, [late]));
      expect(await rollUp({ database: busy, clock: hourLater }, 1)).toBe(0);
      expect(await staleMonths(trade)).toEqual(['2010-06-01']);
      expect(await rolledUp(trade)).toEqual([]);
      expect(await topProducts(trade)).toEqual(reckon(trade, [early, late]).topProducts);
      await rollUpAll();
      expect(await rolledUp(trade)).toMatchObject([{ units: '2', orders: 2 }]);
    });

    it.each(['before', 'after'])(
      'waits for a seller who has marked the month and commits %s it goes on',
      async (when) => {
        const trade = await openTrade(database, kernel.ids, { products: 1 });
        const sales = [saleIn(trade, '2010-06-01'), saleIn(trade, '2010-06-02')];
        await sell(database, trade, sales.slice(0, 1));
        let commit = () => {};
        const committing = new Promise<void>((resolve) => (commit = resolve));
        let selling: Promise<unknown> = Promise.resolve();
        const busy = interrupted(async () => {
          await new Promise<void>((marked) => {
            selling = database.transaction(trade.tenantId, async (db) => {
              await sell({ ...database, transaction: (_tenant, work) => work(db) }, trade, sales.slice(1));
              marked();
              await committing;
            });
          });
          if (when === 'before') commit();
          else setTimeout(commit, 100);
        });
        expect(await rollUp({ database: busy, clock: hourLater }, 1)).toBe(0);
        await selling;
        expect(await staleMonths(trade)).toEqual(['2010-06-01']);
        expect(await topProducts(trade)).toEqual(reckon(trade, sales).topProducts);
      },
    );
  });
});

const saleIn = (trade: Trade, at: string | Date, product = [...trade.products.keys()][0] ?? ''): Sale => ({
  id: randomUUID(),
  kind: 'sale',
  status: 'completed',
  customer: null,
  country: null,
  at: new Date(at),
  lines: [{ product, quantity: 1, unitPrice: '2.5' }],
});
