import { sql, type Database } from '@olympus/database';
import type { Clock } from '../platform/clock.ts';
import type { Ids } from '../platform/ids.ts';
import { createLeadership, type Term } from './leadership.ts';
import { placeBatch, placeEvents, type Hint } from './place.ts';
import { createPause } from './pause.ts';
import { createTrouble, type EventsLog } from './trouble.ts';

export interface RelayStatus {
  readonly role: 'leader' | 'standby' | 'stopped';
  /** Whether the last rounds came to their end. */
  readonly healthy: boolean;
}

/** Gives committed events their places. Many may run, one leads. */
export interface Relay {
  start(): void;
  /** Tells, after a commit, that there are events to place. Only a hint: without it they are found within a poll. */
  readonly wake: () => void;
  /** Ends after the round that runs; another replica takes over. */
  stop(): Promise<void>;
  status(): RelayStatus;
}

export interface RelayOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: EventsLog;
  readonly onPlaced: (hints: readonly Hint[]) => void;
  /** Whether hints are to carry the events themselves. Default false. */
  readonly carry?: boolean;
}

/** Without a wake-up: a leader looks after the first, then after twice that up to the last; a standby tries after the last. */
const poll = { firstMs: 250, lastMs: 1000 };
/** On which other processes wake the one that leads. */
const outboxChannel = 'olympus_outbox';
/** Between two busy rounds, so that they place many events each instead of few. */
const restMs = 5;
const healthyMs = 5000;

export function createRelay({ database, clock, ids, log, onPlaced, carry = false }: RelayOptions): Relay {
  const leadership = createLeadership(database);
  const pause = createPause();
  const trouble = createTrouble(log, 'the relay of events');
  let role: RelayStatus['role'] = 'stopped';
  let running: Promise<void> | null = null;
  let lastRound = 0;
  let unlisten: (() => Promise<void>) | null = null;

  let telling = false;
  let tellAgain = false;
  /** One message is on its way at a time; what commits meanwhile shares the next. */
  async function tellLeader(): Promise<void> {
    tellAgain = true;
    if (telling) return;
    telling = true;
    while (tellAgain && !pause.ended) {
      tellAgain = false;
      await database.systemDb.rows(sql`select pg_notify(${outboxChannel}, '')`).catch(trouble.met);
    }
    telling = false;
  }

  /** Outside the loop: a lost subscription must not hold up the rounds, which find everything by themselves. */
  async function listen(): Promise<void> {
    while (!pause.ended && !unlisten) {
      try {
        unlisten = await database.listen(outboxChannel, pause.wake, pause.wake);
      } catch (error) {
        trouble.met(error);
        await pause.unwoken(poll.lastMs);
      }
    }
    if (pause.ended) await unlisten?.();
  }

  async function lead(term: Term): Promise<void> {
    role = 'leader';
    log.info({}, 'this process leads the relay of events');
    for (let idleMs = poll.firstMs; !pause.ended;) {
      const { count, hints } = await placeEvents(term, ids.secret(12), { carry });
      roundEnded();
      if (count > 0) onPlaced(hints);
      if (count === placeBatch) continue;
      idleMs = count > 0 ? poll.firstMs : Math.min(idleMs * 2, poll.lastMs);
      if (count > 0) await pause.unwoken(restMs);
      await pause.until(idleMs);
    }
  }

  async function run(): Promise<void> {
    // A lead that broke is taken again soon, by whoever comes first.
    for (let waitMs = poll.firstMs; !pause.ended; waitMs = Math.min(waitMs * 2, poll.lastMs)) {
      try {
        role = 'standby';
        const term = await leadership.acquire();
        roundEnded();
        if (term) {
          waitMs = poll.firstMs / 2;
          await lead(term);
        }
      } catch (error) {
        trouble.met(error);
        await leadership.release();
      }
      if (!pause.ended) await pause.unwoken(waitMs * (0.8 + Math.random() * 0.4));
    }
    await leadership.release();
    role = 'stopped';
  }

  function roundEnded(): void {
    lastRound = clock.now().getTime();
    trouble.over();
  }

  return {
    start() {
      if (running) return;
      lastRound = clock.now().getTime();
      running = run();
      void listen();
    },
    wake() {
      if (role === 'leader') pause.wake();
      else void tellLeader();
    },
    async stop() {
      pause.end();
      await running;
      await unlisten?.();
    },
    status: () => ({ role, healthy: role !== 'stopped' && clock.now().getTime() - lastRound < healthyMs }),
  };
}
