import { openDatabase, sql } from '@olympus/database';
import { newTenant, orderEvent, write } from '@olympus/server/events/testing/installation.ts';
import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { createStore, type Store } from '../harness.ts';
import { built, serve, type Served } from '../processes.ts';

const { TEST_DATABASE_URL } = process.env;
const subjects = 10;
const events = 300;

let store: Store;
const running = new Set<Served>();
afterEach(async () => {
  await Promise.all([...running].map((served) => served.stop('SIGKILL')));
  running.clear();
  await store.remove();
});

const open = () => {
  const { DATABASE_URL: url, OLYMPUS_DATA_DIR: dataDir = '' } = store.env;
  return openDatabase(url === undefined ? { dataDir } : { url });
};

async function consume(tenantId: string): Promise<Served> {
  const env = { ...store.env, CONSUMED_TENANT: tenantId };
  const served = await serve(built('consuming'), { env, port: /ready (\d)/ });
  running.add(served);
  return served;
}

const handledBy = (...processes: Served[]): string[] =>
  processes.flatMap((served) => [...served.output().matchAll(/<(\d+)>/g)].map((match) => match[1] ?? ''));

async function writeEvents(tenantId: string): Promise<void> {
  const database = await open();
  const ids = Array.from({ length: subjects }, () => randomUUID());
  for (let n = 0; n < events; n++)
    await write(database, tenantId, orderEvent(String(n), { orderId: ids[n % subjects] ?? '' }));
  await database.close();
}

/** Each event had its effect once, and each subject's effects came in order. */
async function expectEffects(tenantId: string): Promise<void> {
  const database = await open();
  try {
    const effects = await database.tenant(tenantId).rows<{ notes: string; subject: string }>(sql`
      select principal as notes, procedure as subject from idempotency_keys
      where tenant_id = ${tenantId}::uuid order by created_at`);
    expect(effects.map(({ notes }) => Number(notes)).sort((a, b) => a - b)).toEqual(
      Array.from({ length: events }, (_, n) => n),
    );
    const bySubject = new Map<string, number[]>();
    for (const { notes, subject } of effects)
      bySubject.set(subject, [...(bySubject.get(subject) ?? []), Number(notes)]);
    expect(bySubject.size).toBe(subjects);
    for (const order of bySubject.values()) expect(order).toEqual([...order].sort((a, b) => a - b));
    const [left] = await database.tenant(tenantId).rows<{ count: number }>(sql`
      select count(*)::int as count from consumer_deliveries where tenant_id = ${tenantId}::uuid`);
    expect(left?.count).toBe(0);
  } finally {
    await database.close();
  }
}

describe.each(TEST_DATABASE_URL ? ['embedded', 'PostgreSQL'] : ['embedded'])('a consuming process on %s', (kind) => {
  it('that is killed again and again loses no event, keeps their order, and repeats no effect', async () => {
    store = await createStore(kind === 'embedded' ? null : TEST_DATABASE_URL);
    const tenantId = newTenant();
    await writeEvents(tenantId);
    const killed: Served[] = [];
    for (const enough of [40, 90]) {
      const served = await consume(tenantId);
      await expect.poll(() => new Set(handledBy(...killed, served)).size, { timeout: 30_000 }).toBeGreaterThan(enough);
      await served.stop('SIGKILL');
      running.delete(served);
      killed.push(served);
    }
    const last = await consume(tenantId);
    await expect.poll(() => new Set(handledBy(...killed, last)).size, { timeout: 60_000 }).toBe(events);
    // The turns of the killed ones were not accounted for, so some came again.
    expect(handledBy(...killed, last).length).toBeGreaterThan(events);
    expect(await last.stop()).toBe(0);
    await expectEffects(tenantId);
  }, 240_000);
});

describe.skipIf(!TEST_DATABASE_URL)('two consuming processes', () => {
  it('do not both serve a tenant, and the other takes over within seconds when one is killed', async () => {
    store = await createStore(TEST_DATABASE_URL);
    const tenantId = newTenant();
    const both = await Promise.all([consume(tenantId), consume(tenantId)]);
    await writeEvents(tenantId);
    await expect.poll(() => handledBy(...both).length, { timeout: 30_000 }).toBeGreaterThan(30);
    const serving = both.filter((one) => handledBy(one).length > 0);
    expect(serving).toHaveLength(1);
    const [dying] = serving as [Served];
    const other = both.find((one) => one !== dying) as Served;
    await dying.stop('SIGKILL');
    running.delete(dying);
    const since = performance.now();
    await expect.poll(() => handledBy(other).length, { timeout: 15_000, interval: 20 }).toBeGreaterThan(0);
    expect(performance.now() - since).toBeLessThan(8000);
    await expect.poll(() => new Set(handledBy(dying, other)).size, { timeout: 60_000 }).toBe(events);
    expect(await other.stop()).toBe(0);
    await expectEffects(tenantId);
  }, 240_000);
});
