import { setMaxListeners } from 'node:events';
import type { Database } from '@olympus/database';
import type { Clock } from '../../platform/clock.ts';
import type { Ids } from '../../platform/ids.ts';
import { createPause } from '../pause.ts';
import { createTrouble, type EventsLog } from '../trouble.ts';
import type { Consumer } from './consumer.ts';
import { deliver, type Turn } from './deliver.ts';
import { createGate } from './gate.ts';
import { createLeases, renewMs, type Lease } from './leases.ts';
import { LaneLost, settle } from './settle.ts';
import { findLanes, readWork, type Lane } from './work.ts';

/** One consumer's work in this process. */
export interface Group {
  start(): void;
  /** Says that there may be something to do. Without it that is found within a second. */
  readonly wake: () => void;
  /** Begins nothing further; resolves when the handlers that run have ended and are accounted for. */
  stop(): Promise<void>;
}

export interface GroupOptions {
  readonly database: Database;
  readonly consumer: Consumer;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: EventsLog;
  /** From 0 to 1. */
  readonly random?: () => number;
}

const pollMs = 1000;
/** Between two looks, however often the group is woken: each costs some statements, whether one event has come or many. */
const restMs = 100;
/** The same where there may be more lanes to serve than there was room for. */
const shortRestMs = 20;
const lanesAtOnce = 32;
/** A turn begins no handler after this time, so that a slow subject does not hold up the others' next events for longer. */
const turnMs = 5000;
/** Handlers are told to end so long before another process may begin. */
const marginMs = 500;

export function createGroup({ database, consumer, clock, ids, log, random = Math.random }: GroupOptions): Group {
  const holder = ids.secret(12);
  const leases = createLeases({ database, consumer: consumer.name, holder });
  const pause = createPause();
  const leasing = createPause();
  const trouble = createTrouble(log, `looking for events of the consumer ${consumer.name}`);
  const turnTrouble = createTrouble(log, `the bookkeeping of the consumer ${consumer.name}`);
  const handlers = createGate(consumer.concurrency ?? 16);
  // Of the system's few connections, most stay free for what else there is.
  const statements = createGate(database.kind === 'embedded' ? 1 : 2);
  const running = new Map<string, { readonly shard: number; readonly work: Promise<void> }>();
  const ending = new AbortController();
  let loops: Promise<unknown> | null = null;

  const isReady = () => consumer.ready?.() ?? true;
  const stands = (lease: Lease) => performance.now() < lease.until - marginMs;

  /** Resolves to whether there is more to do at once. */
  async function turn(lane: Lane, lease: Lease): Promise<boolean> {
    const work = await statements(() => readWork(database, { consumer, lane, now: clock.now() }));
    if (work.missed > 0)
      log.warn(
        { consumer: consumer.name, tenantId: lane.tenantId, events: work.missed },
        'events were no longer kept when a consumer came to them',
      );
    const until = performance.now() + turnMs;
    const right = rightToGoOn(lease);
    const mayGoOn = () => !pause.ended && isReady() && stands(lease) && performance.now() < until;
    try {
      const limits: Turn = { signal: right.signal, mayGoOn };
      const outcome = await deliver({ database, consumer, clock, gate: handlers }, { lane, work, turn: limits });
      const settlement = { lane, work, outcome, now: clock.now() };
      const { dead } = await statements(() => settle({ database, consumer, holder, ids, random }, settlement));
      if (dead > 0)
        log.warn({ consumer: consumer.name, tenantId: lane.tenantId, events: dead }, 'events became dead letters');
      return work.more && !lease.leaving && mayGoOn();
    } finally {
      right.clear();
    }
  }

  /** Page after page, unless others may be waiting for a place. */
  async function serveLane(lane: Lane, lease: Lease): Promise<void> {
    const enough = performance.now() + turnMs;
    while ((await turn(lane, lease)) && performance.now() < enough && running.size < lanesAtOnce);
  }

  /** A signal that ends with the lease, which is renewed meanwhile, or with the time that a stop allows. */
  function rightToGoOn(lease: Lease) {
    const controller = new AbortController();
    // Each of a turn's handlers listens.
    setMaxListeners(0, controller.signal);
    const look = setInterval(() => {
      if (!stands(lease) || ending.signal.aborted) controller.abort();
    }, 100);
    return { signal: controller.signal, clear: () => clearInterval(look) };
  }

  function begin(lane: Lane): void {
    const lease = leases.held.get(lane.shard);
    const key = `${lane.tenantId}/${lane.lane}`;
    if (!lease || lease.leaving || running.has(key) || pause.ended) return;
    const work = serveLane(lane, lease)
      .then(turnTrouble.over)
      .catch(async (error: unknown) => {
        if (error instanceof LaneLost) return;
        turnTrouble.met(error);
        await pause.unwoken(pollMs * (0.5 + random() / 2));
      })
      .finally(() => {
        running.delete(key);
        pause.wake();
      });
    running.set(key, { shard: lane.shard, work });
  }

  /** Resolves to whether there may be more lanes than there was room for. */
  async function look(): Promise<boolean> {
    const free = lanesAtOnce - running.size;
    const shards = [...leases.held.values()].flatMap(({ shard, leaving }) => (leaving ? [] : shard));
    if (free <= 0 || shards.length === 0 || !isReady()) return free <= 0;
    const query = {
      consumer: consumer.name,
      shards,
      now: clock.now(),
      busy: [...running.keys()],
    };
    const lanes = await statements(() => findLanes(database, query));
    for (const lane of lanes.slice(0, free)) begin(lane);
    return lanes.length >= free;
  }

  async function serve(): Promise<void> {
    while (!pause.ended) {
      let isFull = false;
      try {
        isFull = await look();
        trouble.over();
      } catch (error) {
        trouble.met(error);
      }
      await pause.unwoken(isFull ? shortRestMs : restMs);
      await pause.until(pollMs * (0.8 + random() * 0.4));
    }
  }

  const isBusy = (shard: number) => [...running.values()].some((one) => one.shard === shard);

  /** A process that cannot handle events leaves its share to others. */
  const holdOrLeave = () =>
    isReady() || running.size > 0 ? leases.renew(isBusy) : leases.held.size > 0 ? leases.release() : Promise.resolve();

  async function lease(): Promise<void> {
    while (!leasing.ended) {
      const before = leases.held.size;
      await holdOrLeave().catch(trouble.met);
      if (leases.held.size > before) pause.wake();
      await leasing.unwoken(renewMs * (0.8 + random() * 0.4));
    }
  }

  return {
    start() {
      loops ??= Promise.all([serve(), lease()]);
    },
    wake: pause.wake,
    async stop() {
      pause.end();
      // The leases stand until what was begun is accounted for.
      const giveUp = setTimeout(() => ending.abort(), turnMs);
      while (running.size > 0) await Promise.all([...running.values()].map(({ work }) => work));
      clearTimeout(giveUp);
      leasing.end();
      await loops;
      await leases.release().catch(trouble.met);
    },
  };
}
