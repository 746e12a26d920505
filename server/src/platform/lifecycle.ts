import type { Logger } from 'pino';
import { endLog } from './logger.ts';

export type LifecycleState = 'starting' | 'ready' | 'draining' | 'stopped';

/** How a process comes up and goes down. */
export interface Lifecycle {
  readonly state: LifecycleState;
  /** Aborted when the process begins to drain. */
  readonly draining: AbortSignal;
  /** From now on the process answers that it is ready. */
  ready(): void;
  /** What was opened last is stopped first. */
  onStop(name: string, stop: () => unknown): void;
  /** Drains and stops, once; resolves when everything has stopped or the time is up. */
  stop(): Promise<boolean>;
  /** Stops on SIGTERM and SIGINT and ends the process: 0 when all was drained, 1 when the time ran out or on a second signal. */
  stopOnSignals(): void;
}

export interface LifecycleOptions {
  /** Seconds that all stopping together may take. */
  readonly drainSeconds: number;
  readonly log: Logger;
}

export function createLifecycle({ drainSeconds, log }: LifecycleOptions): Lifecycle {
  const hooks: { name: string; stop: () => unknown }[] = [];
  const draining = new AbortController();
  let state: LifecycleState = 'starting';
  let stopping: Promise<boolean> | null = null;
  let part = '';

  async function runHooks(): Promise<boolean> {
    let clean = true;
    for (const { name, stop } of hooks.toReversed()) {
      part = name;
      try {
        await stop();
      } catch (err) {
        clean = false;
        log.error({ err, part: name }, 'a part did not stop cleanly');
      }
    }
    return clean;
  }

  async function drain(): Promise<boolean> {
    state = 'draining';
    draining.abort();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((done) => {
      timer = setTimeout(() => {
        log.error({ drainSeconds, part }, 'not everything stopped in time');
        done(false);
      }, drainSeconds * 1000);
    });
    const clean = await Promise.race([runHooks(), late]);
    clearTimeout(timer);
    state = 'stopped';
    return clean;
  }

  const lifecycle: Lifecycle = {
    get state() {
      return state;
    },
    draining: draining.signal,
    ready() {
      if (state === 'starting') state = 'ready';
    },
    onStop: (name, stop) => void hooks.push({ name, stop }),
    stop: () => (stopping ??= drain()),
    stopOnSignals() {
      for (const signal of ['SIGTERM', 'SIGINT'] as const) {
        process.on(signal, () => {
          const exit = (code: number) => void endLog(log).then(() => process.exit(code));
          if (stopping) {
            exit(1);
            return;
          }
          log.info({ signal }, 'stopping');
          void lifecycle.stop().then((clean) => exit(clean ? 0 : 1));
        });
      }
    },
  };
  return lifecycle;
}
