import { setTimeout as sleep } from 'node:timers/promises';
import type { EventsLog } from '../events/trouble.ts';
import type { Clock } from '../platform/clock.ts';
import { errorText } from '../platform/error-text.ts';
import type { Connect, Session } from './broker.ts';

/** How a bridge stands; `error` is why it is down, or was last. */
export interface LinkState {
  readonly status: 'up' | 'down';
  readonly since: Date;
  readonly error: string | null;
}

/** A connection that is made again whenever it is gone. */
export interface Link {
  readonly state: LinkState;
  /** null while there is none. */
  session(): Session | null;
  /** Begins to connect; waits for nothing. */
  start(): void;
  /** Connects no more, and closes what is open. */
  stop(): Promise<void>;
}

export interface LinkOptions {
  readonly name: string;
  readonly connect: Connect;
  /** What is to be done with each new session before it counts; told when it is gone. */
  readonly onOpen?: (session: Session) => Promise<void>;
  readonly onClose?: () => Promise<void>;
  readonly clock: Clock;
  readonly log: EventsLog;
  readonly random?: () => number;
  /** Longest wait between two attempts. Default 30,000. */
  readonly maxWaitMs?: number;
}

const firstWaitMs = 250;
const stopMs = 2000;
/** A session that lasted so long was a good one: the next attempt follows soon. */
const goodMs = 10_000;

export function createLink(options: LinkOptions): Link {
  const { name, connect, clock, log, random = Math.random, maxWaitMs = 30_000 } = options;
  const ending = new AbortController();
  let session: Session | null = null;
  let state: LinkState = { status: 'down', since: clock.now(), error: null };
  let loop: Promise<void> | null = null;

  const down = (error: unknown) => {
    const text = errorText(error);
    if (state.status === 'up' || state.error === null)
      log.warn({ bridge: name, error: text }, 'a bridge has lost its broker; connecting again');
    state = { status: 'down', since: state.status === 'up' ? clock.now() : state.since, error: text };
  };

  /** Resolves when the session is over. */
  async function hold(): Promise<void> {
    const opened = await connect();
    try {
      if (ending.signal.aborted) return;
      await options.onOpen?.(opened);
      session = opened;
      state = { status: 'up', since: clock.now(), error: null };
      log.info({ bridge: name }, 'a bridge is connected to its broker');
      const reason = await opened.closed;
      if (!ending.signal.aborted) down(reason ?? new Error('the connection was closed'));
    } finally {
      session = null;
      await options.onClose?.();
      await opened.close().catch(() => undefined);
    }
  }

  async function run(): Promise<void> {
    let wait = firstWaitMs;
    while (!ending.signal.aborted) {
      const since = performance.now();
      await hold().catch(down);
      if (performance.now() - since > goodMs) wait = firstWaitMs;
      await sleep(wait * (0.5 + random() / 2), undefined, { signal: ending.signal }).catch(() => undefined);
      wait = Math.min(wait * 2, maxWaitMs);
    }
  }

  return {
    get state() {
      return state;
    },
    session: () => session,
    start() {
      loop ??= run();
    },
    async stop() {
      ending.abort();
      await session?.close().catch(() => undefined);
      // A broker that does not answer is not waited for: what it opens late is closed at once.
      await Promise.race([loop, sleep(stopMs, undefined, { ref: false })]);
    },
  };
}
