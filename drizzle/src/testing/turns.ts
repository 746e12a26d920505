import { closeSync, openSync, readSync } from 'node:fs';

const tickMs = 5;

export interface Turns {
  /** Milliseconds of processor time that this thread took between two chances for a timer, at most. */
  longestMs(): number;
  end(): void;
}

/**
 * Watches for what keeps the event loop of the main thread from turning. Processor time, since a busy machine stretches
 * the time by the clock. undefined where the system does not tell a thread's time (all but Linux).
 */
export function watchTurns(): Turns | undefined {
  const file = openStatistics();
  if (file === undefined) return undefined;
  const bytes = Buffer.alloc(128);
  const read = (): number => Number.parseInt(bytes.toString('latin1', 0, readSync(file, bytes, 0, 128, 0)), 10) / 1e6;
  let last = read();
  let longest = 0;
  const tick = (): void => {
    const now = read();
    longest = Math.max(longest, now - last);
    last = now;
  };
  const timer = setInterval(tick, tickMs);
  return {
    longestMs: () => {
      tick();
      return longest;
    },
    end: () => {
      clearInterval(timer);
      closeSync(file);
    },
  };
}

function openStatistics(): number | undefined {
  try {
    return openSync(`/proc/${process.pid}/task/${process.pid}/schedstat`, 'r');
  } catch {
    return undefined;
  }
}
