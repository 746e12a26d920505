import type { AnalyticsSummary, OrderLine, OrderSummary } from '@olympus/contracts';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createStore, registerTenant, rest, type Store } from '../harness.ts';
import { olympus, type Served } from '../processes.ts';
import { dataFolder } from './folder.ts';
import { runCli } from './olympus-cli.ts';
import * as published from './published.ts';
import { createTally } from './tallies.ts';
import { peakMemory, percentile, startTraffic } from './traffic.ts';

const folder = dataFolder();
const password = 'correct horse battery';
const say = (text: string) => process.stderr.write(`  ${text}\n`);

/** The real file on one database, `null` for the embedded one: a file of tests for each, so that they can run side by side. */
export function proveFullFile(name: string, database: string | null, isThere = true): void {
  describe.skipIf(!folder || !isThere)(`the real file, ${name}`, () => {
    const file = join(folder ?? '', published.file);
    let store: Store;
    let server: Served;
    let shop: Shop;

    beforeAll(async () => {
      store = await createStore(database);
      server = await olympus({ RATE_LIMITS: 'off', ...store.env });
      shop = await openShop();
    });
    afterAll(async () => {
      await server.stop();
      await store.remove();
    });

    interface Shop {
      readonly email: string;
      readonly get: <T>(path: string) => Promise<T>;
      readonly import: (file: string, ...options: string[]) => ReturnType<typeof runCli>;
      readonly signIn: () => Promise<string>;
    }

    async function openShop(): Promise<Shop> {
      const { user } = await registerTenant(server.url, { password, timeZone: 'Europe/London', currency: 'GBP' });
      const { email } = user;
      const signIn = async () => {
        const body = { email, password };
        return (await rest<{ accessToken: string }>(server.url, { method: 'POST', path: '/auth/login', body })).body
          .accessToken;
      };
      let token = await signIn();
      return {
        email,
        signIn: async () => (token = await signIn()),
        async get<T>(path: string) {
          let answer = await rest<T>(server.url, { path, token });
          if (answer.status === 401) answer = await rest<T>(server.url, { path, token: (token = await signIn()) });
          expect(answer.status, path).toBe(200);
          return answer.body;
        },
        import: (from, ...options) =>
          runCli(['import', 'orders', from, ...options], {
            OLYMPUS_URL: server.url,
            OLYMPUS_EMAIL: email,
            OLYMPUS_PASSWORD: password,
          }),
      };
    }

    type Revenues = { items: { revenue: { amount: string; currency: string } }[] };
    const named = ({ items }: Revenues, field: string) =>
      Object.fromEntries(
        items.map((item) => [(item as unknown as Record<string, string>)[field], item.revenue.amount]),
      );

    async function expectPublishedFigures({ get }: Shop): Promise<void> {
      const { revenue, averageOrder, ...counts } = await get<AnalyticsSummary>('/analytics/summary');
      expect({ ...counts, revenue: revenue.amount }).toEqual(published.summary);
      expect(averageOrder).toEqual({ amount: '376.3609', currency: 'GBP' });
      const months = await get<Revenues>('/analytics/revenue?interval=month');
      expect(named(months, 'period')).toEqual(published.months);
      const countries = await get<Revenues>('/analytics/by-country?limit=10');
      expect(Object.entries(named(countries, 'country'))).toEqual(Object.entries(published.countries));
      const products = await get<Revenues>('/analytics/top-products?limit=10');
      expect(products.items.map((item) => (item as unknown as { sku: string }).sku)).toEqual(skusByRevenue);
      expect(named(products, 'sku')).toEqual(published.products);
      for (const [kind, orders] of Object.entries(published.ordersByKind))
        expect((await get<{ totalCount: number }>(`/orders?kind=${kind}&limit=1&withTotal=true`)).totalCount).toBe(
          orders,
        );
      expect((await get<AnalyticsSummary>('/analytics/summary?from=2010-12-01&to=2011-12-09')).revenue).toEqual(
        revenue,
      );
    }
    const skusByRevenue = Object.entries(published.products)
      .sort(([, a], [, b]) => Number(b) - Number(a))
      .map(([sku]) => sku);

    it('comes in through the command line and shows the published figures', async () => {
      const traffic = startTraffic(server.url, await shop.signIn());
      const ran = await shop.import(file, '--preset', 'online-retail');
      const latencies = await traffic.stop();
      expect(ran, ran.output).toMatchObject({ code: 0 });
      expect(ran.output).toContain('541,909');
      await expectPublishedFigures(shop);
      const memory = await peakMemory(server.process.pid ?? 0);
      const waits = `${percentile(latencies, 0.5).toFixed(1)} ms p50, ${percentile(latencies, 0.99).toFixed(1)} ms p99, ${percentile(latencies, 1).toFixed(0)} ms at most`;
      say(`${name}: ${published.rows} lines in ${ran.seconds.toFixed(1)} s, the command line's start included`);
      say(`${name}: ${latencies.length} other calls meanwhile: ${waits}`);
      say(`${name}: peak memory of the server ${memory?.toFixed(0) ?? 'not told by this system'} MB`);
      if (memory !== null) expect(memory).toBeLessThan(512);
    });

    it('answers the dashboard of all years', async () => {
      const time = async () => {
        const start = performance.now();
        const { errors, summary } = await shop.get<{ errors: unknown[]; summary: AnalyticsSummary }>(
          '/analytics/dashboard?days=36525',
        );
        expect(errors).toEqual([]);
        expect(summary.revenue.amount).toBe(published.summary.revenue);
        return performance.now() - start;
      };
      const cold = await time();
      const warm: number[] = [];
      for (let call = 0; call < 200; call++) warm.push(await time());
      warm.sort((a, b) => a - b);
      say(`${name}: dashboard ${cold.toFixed(0)} ms cold, ${percentile(warm, 0.99).toFixed(1)} ms p99 warm`);
    });

    it('shows them when it is imported again, killed −9 halfway, and once more', async () => {
      const halfway = shop.import(file, '--preset', 'online-retail');
      const changed = async () =>
        (await shop.get<{ items: OrderSummary[] }>('/orders?limit=1&sort=-number&q=55')).items[0]?.version ?? 0;
      const before = await changed();
      while ((await changed()) === before) await sleep(50);
      await server.stop('SIGKILL');
      const broken = await halfway;
      expect(broken.code).toBe(1);
      expect(broken.output).toMatch(/broke off|reached/);
      server = await olympus({ RATE_LIMITS: 'off', ...store.env });
      const ran = await shop.import(file, '--preset', 'online-retail');
      expect(ran, ran.output).toMatchObject({ code: 0 });
      await expectPublishedFigures(shop);
    });

    it('streams out as it came in, and brings another tenant to the same figures', async () => {
      const path = join(store.env['OLYMPUS_DATA_DIR'] ?? '', 'export.csv');
      const token = await shop.signIn();
      const exported = (accept: string) =>
        fetch(`${server.url}/api/v1/orders/export`, { headers: { authorization: `Bearer ${token}`, accept } });

      const start = performance.now();
      const ndjson = await exported('application/x-ndjson');
      expect(ndjson.status).toBe(200);
      const tally = createTally();
      for await (const line of createInterface({ input: Readable.fromWeb(ndjson.body as never), crlfDelay: Infinity }))
        tally.add(JSON.parse(line) as OrderLine);
      expect(tally.figures()).toEqual(published.lines);
      say(`${name}: exported in ${((performance.now() - start) / 1000).toFixed(1)} s`);

      const csv = await exported('text/csv');
      expect(csv.status).toBe(200);
      await pipeline(Readable.fromWeb(csv.body as never), createWriteStream(path));
      const other = await openShop();
      const ran = await other.import(path, '--strict');
      expect(ran, ran.output).toMatchObject({ code: 0 });
      await expectPublishedFigures(other);
      await expectPublishedFigures(shop);
      await rm(path);
    });

    it('is checked without being imported', async () => {
      const third = await openShop();
      const ran = await third.import(file, '--preset', 'online-retail', '--dry-run');
      expect(ran, ran.output).toMatchObject({ code: 0 });
      expect(ran.output).toContain('25,900 orders, 4,070 products, 4,372 customers');
      expect((await third.get<AnalyticsSummary>('/analytics/summary')).orders).toBe(0);
    });
  });
}
