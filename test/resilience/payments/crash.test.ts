import type { Order } from '@olympus/contracts';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createStore, type Store } from '../../harness.ts';
import { built, serve, type Served } from '../../processes.ts';
import { audit } from './books.ts';
import { openCounter, stocked, type Counter } from './shop.ts';

let store: Store;
let server: Served;
let counter: Counter;
let holdFile: string;

const start = (timeoutMs = 700) =>
  serve(built('payments'), {
    port: /ready at http:\/\/[^:]+:(\d+)/,
    env: {
      ...store.env,
      HOST: '127.0.0.1',
      PORT: '0',
      LOG_LEVEL: 'silent',
      OLYMPUS_SEED_DEMO: 'off',
      RATE_LIMITS: 'off',
      PAYMENT_TIMEOUT_MS: String(timeoutMs),
      HOLD_FILE: holdFile,
    },
  });
beforeEach(async () => {
  store = await createStore();
  holdFile = join(tmpdir(), `olympus-hold-${process.pid}-${Date.now()}`);
  server = await start();
  counter = await openCounter(server);
});
afterEach(async () => {
  await server.stop('SIGKILL');
  await rm(holdFile, { force: true });
  await store.remove();
});

const reached = (number: string) =>
  vi.waitFor(() => expect(server.output()).toContain(`holding ${number}\n`), { timeout: 30_000, interval: 50 });
const kill = async () => {
  await server.stop('SIGKILL');
  await rm(holdFile, { force: true });
  server = await start();
};

/** What leads an order to a boundary, and what must have become of it after the process has died there. */
interface Case {
  readonly point: string;
  readonly method?: string;
  readonly lead?: (id: string) => Promise<void>;
  readonly ends: Pick<Order, 'status' | 'paymentStatus'>;
  readonly effects: readonly string[];
}
const confirmed = { status: 'confirmed', paymentStatus: 'authorized' } as const;
const cancel = async (id: string) => {
  await counter.paid(server, id, 'authorized');
  await counter.move(server, id, 'cancelled');
};
const fulfil = async (id: string) => {
  await counter.paid(server, id, 'authorized');
  await counter.complete(server, id);
};
const refund = async (id: string) => {
  await fulfil(id);
  await counter.paid(server, id, 'captured');
  await counter.move(server, id, 'refunded');
};
const at = (action: string, rest: Omit<Case, 'point'>): Case[] =>
  ['begun', 'called', 'noted'].map((point) => ({ point: `${point}-${action}`, ...rest }));
const declined = { status: 'cancelled', paymentStatus: 'declined' } as const;
const voided = { status: 'cancelled', paymentStatus: 'voided' } as const;

// The consumer that holds an event lets none pass, so those come last; and one process does eight jobs at once.
const rounds: Record<string, Case[]> = {
  'authorizing, declining and giving up': [
    ...at('authorize', { ends: confirmed, effects: ['authorize'] }),
    { point: 'called-authorize', method: 'sim_decline', ends: declined, effects: [] },
    { point: 'noted-authorize', method: 'sim_decline', ends: declined, effects: [] },
    { point: 'expired', method: 'sim_down', ends: voided, effects: [] },
    { point: 'received', ends: confirmed, effects: ['authorize'] },
  ],
  'capturing and voiding': [
    ...at('capture', {
      lead: fulfil,
      ends: { status: 'completed', paymentStatus: 'captured' },
      effects: ['authorize', 'capture'],
    }),
    ...at('void', { lead: cancel, ends: voided, effects: ['authorize', 'void'] }),
  ],
  refunding: [
    ...at('refund', {
      lead: refund,
      ends: { status: 'refunded', paymentStatus: 'refunded' },
      effects: ['authorize', 'capture', 'refund'],
    }),
    { point: 'sent', ends: confirmed, effects: ['authorize'] },
  ],
};

describe('a server that is killed at each boundary of the order workflow', () => {
  it.each(Object.entries(rounds))(
    'while %s',
    async (_, cases) => {
      await writeFile(holdFile, '');
      const orders: { given: Case; order: Order }[] = [];
      for (const [index, given] of cases.entries()) {
        const number = `${given.point}/${index}`;
        const order = await counter.place(server, number, given.method ?? 'sim_card');
        orders.push({ given, order });
        await given.lead?.(order.id);
        await reached(number);
      }
      await kill();
      for (const { given, order } of orders)
        await vi.waitFor(
          async () => expect(await counter.read(server, order.id), given.point).toMatchObject(given.ends),
          { timeout: 60_000, interval: 200 },
        );
      for (const { given, order } of orders) {
        const { state, steps } = await counter.flow(server, order.id);
        expect(state, given.point).toBe(given.ends === confirmed ? 'waiting' : 'finished');
        expect(steps.map(({ sequence }) => sequence)).toEqual(steps.map((_, index) => index + 1));
        // Every call has its beginning in the history, and each step its end once.
        const done = steps.filter(({ outcome }) => outcome === 'done').map(({ step }) => step);
        expect(new Set(done).size, given.point).toBe(done.length);
        for (const effect of given.effects)
          expect(steps.filter(({ step }) => step === effect).map(({ outcome }) => outcome)).toEqual(
            expect.arrayContaining(['begun', 'done']),
          );
      }
      // Orders go on to be placed and paid.
      const { id } = await counter.place(server, 'afterwards', 'sim_card');
      await counter.paid(server, id, 'authorized');

      expect(await server.stop()).toBe(0);
      const { booked, told, wrongStock, unplaced } = await audit(store, stocked);
      for (const { given, order } of orders)
        expect(booked.get(order.id)?.effects ?? [], given.point).toEqual(given.effects);
      for (const { versions, version } of told.values())
        expect(versions).toEqual(Array.from({ length: version }, (__, index) => index + 1));
      expect({ wrongStock, unplaced }).toEqual({ wrongStock: [], unplaced: 0 });
    },
    180_000,
  );
});

describe('a server that is told to stop', () => {
  it('ends the jobs that run, and leaves the others to the next', async () => {
    // On a busy machine no call is to be given up.
    expect(await server.stop()).toBe(0);
    server = await start(5000);
    const orders = await Promise.all(
      Array.from({ length: 20 }, (_, index) => counter.place(server, `slow/${index}`, 'sim_slow_2000')),
    );
    await vi.waitFor(
      async () => {
        const flows = await Promise.all(orders.map(({ id }) => counter.flow(server, id)));
        expect(flows.filter(({ steps }) => steps.at(-1)?.outcome === 'begun').length).toBeGreaterThan(3);
      },
      { timeout: 20_000 },
    );
    expect(await server.stop()).toBe(0);
    const before = await audit(store, stocked);
    // Not all of them had their turn; what had begun was waited for.
    expect(before.booked.size).toBeLessThan(20);
    server = await start(5000);
    for (const { id } of orders) await counter.paid(server, id, 'authorized');
    for (const { id } of orders) {
      const outcomes = (await counter.flow(server, id)).steps.map(({ step, outcome }) => `${step} ${outcome}`);
      expect(outcomes).toEqual(['reserve done', 'authorize begun', 'authorize done', 'confirm done']);
    }
    expect(await server.stop()).toBe(0);
    const { booked } = await audit(store, stocked);
    for (const { id } of orders) expect(booked.get(id)).toEqual({ effects: ['authorize'], requests: { authorize: 1 } });
  }, 240_000);
});
