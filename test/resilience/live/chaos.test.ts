import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { registerTenant, rest, type Session } from '../../harness.ts';
import { findProgram } from '../../services.ts';
import { causeFaults, randomFrom } from './faults.ts';
import { faultsOf } from './history.ts';
import { install, type Installation } from './installation.ts';
import { findPacketFilter, type PacketFilter } from './packets.ts';
import { findPostgres } from './postgres.ts';
import { createSubscriber, ways, type Subscriber } from './subscribers.ts';
import { startWire, type Wire } from './wire.ts';
import { startWriter, type Writer } from './writers.ts';

const { TEST_DATABASE_URL, TEST_REDIS_URL, OLYMPUS_TEST_FAULTS, OLYMPUS_TEST_SEED } = process.env;
const count = Number(OLYMPUS_TEST_FAULTS ?? 200);
const seed = Number(OLYMPUS_TEST_SEED ?? Date.now() % 1_000_000);
const programs = TEST_DATABASE_URL && TEST_REDIS_URL ? findPostgres() : null;
const able = programs !== null && findProgram('redis-server') && findProgram('haproxy');
/** A stream that is dead without a word is found out by its reader's silence, which may take 45 s. */
const catchUpMs = 90_000;
const say = (text: string) => process.stderr.write(`  ${text}\n`);

if (!able)
  say('live updates through faults: skipped without TEST_DATABASE_URL, TEST_REDIS_URL, haproxy and servers to break');

/** How replicas tell each other, and the share of faults that there is then: with fewer parts there is less to break. */
const kinds: [name: string, withRedis: boolean, faults: number][] = [
  ['Redis', true, Math.ceil((count * 3) / 4)],
  ['PostgreSQL alone', false, Math.floor(count / 4)],
];

// It breaks servers, so they are its own: started from the programs of the services that other suites use.
describe.skipIf(!able).each(kinds)('live updates by %s through faults', (_, withRedis, count) => {
  let packets: PacketFilter | null;
  let installation: Installation;
  let session: Session;
  const wires: Wire[] = [];
  const subscribers: Subscriber[] = [];
  let writers: Writer[] = [];

  beforeAll(async () => {
    installation = await install({ programs: programs ?? '', replicas: 3, withRedis });
    packets = findPacketFilter();
    session = await registerTenant(installation.balancer.url);
    for (const [name, follow] of Object.entries(ways))
      for (const number of [1, 2]) {
        const wire = await startWire(Number(new URL(installation.balancer.url).port));
        wires.push(wire);
        subscribers.push(createSubscriber(`${name} ${number}`, follow, wire, session));
      }
  }, 240_000);
  afterAll(async () => {
    await Promise.all(writers.map((writer) => writer.stop()));
    for (const subscriber of subscribers) subscriber.leave();
    await Promise.all(wires.map((wire) => wire.close()));
    await installation.close();
    await packets?.close();
  }, 120_000);

  /** Names of orders by their events' places. */
  async function readLog(): Promise<string[]> {
    const sql = postgres(installation.postgres.url, { max: 1, onnotice: () => {} });
    try {
      const rows = await sql<{ position: string; name: string }[]>`
        select position, payload->'order'->>'notes' as name from events where type = 'order.created' order by position`;
      return rows.map(({ name }) => name);
    } finally {
      await sql.end();
    }
  }

  it(`are whole, in order and once, over every protocol, after ${count} faults`, async () => {
    for (const subscriber of subscribers) subscriber.join();
    await expect.poll(() => subscribers.every(({ connections }) => connections > 0), { timeout: 20_000 }).toBe(true);
    const product = await rest<{ id: string }>(installation.balancer.url, {
      method: 'POST',
      path: '/products',
      token: session.accessToken,
      body: { sku: 'MUG', name: 'Mug', price: { amount: '4.95', currency: 'GBP' } },
    });
    writers = [1, 2, 3].map((number) =>
      startWriter(installation.balancer.url, {
        session,
        productId: product.body.id,
        name: `w${number}`,
        everyMs: 200,
      }),
    );
    say(`${count} faults from seed ${seed}${packets ? '' : '; packets cannot be dropped here'}`);
    const start = performance.now();
    const happened = await causeFaults({ installation, packets, subscribers, random: randomFrom(seed) }, count);
    const seconds = (performance.now() - start) / 1000;
    await sleep(500);
    await Promise.all(writers.map((writer) => writer.stop()));

    const acknowledged = writers.flatMap((writer) => writer.acknowledged);
    let log: string[] = [];
    await expect
      .poll(async () => (log = await readLog()).toSorted(), { timeout: 20_000 })
      .toEqual(acknowledged.toSorted());
    const last = log.at(-1);
    const late = () =>
      subscribers
        .filter(({ history }) => !history.some((received) => 'event' in received && received.event === last))
        .map(({ name }) => name);
    await expect
      .poll(late, { timeout: catchUpMs, interval: 250 })
      .toEqual([])
      .catch(() => {});

    for (const [name, times] of happened) say(`${String(times).padStart(4)} × ${name}`);
    say(`${acknowledged.length} orders in ${seconds.toFixed(0)} s, ${subscribers.length} subscribers`);
    for (const { name, history, connections } of subscribers) {
      const faults = faultsOf(log, history);
      const resets = history.filter((received) => 'reset' in received);
      const connected = `${history.length} events, ${connections} connections, ${resets.length} resets`;
      say(`${name}: ${connected}, ${faults.length} faults`);
      const shown = faults.slice(0, 20).map(({ kind, at, event }) => `${kind} of ${event} at ${at}`);
      expect.soft(shown, `${name}: ${faults.length} faults, seed ${seed}`).toEqual([]);
      expect.soft(resets, `${name}, seed ${seed}`).toEqual([]);
    }
    expect(writers.flatMap((writer) => writer.refused)).toEqual([]);
  }, 1_800_000);
});
