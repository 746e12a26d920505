import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster, Redis as Client } from 'ioredis';

/** What a stream needs of a connection: one of its own to read by, since reading waits. */
export type StreamCommands = Pick<Client | Cluster, 'pipeline' | 'xread' | 'xrevrange'>;

/** Texts in an order, of which the last ones are kept for a while. */
export interface Streams {
  append(key: string, text: string): Promise<void>;
  /**
   * Calls `onText` for what is appended from now on, also while the connection was lost, as far as it is kept. `onGap` is
   * called at the beginning, and whenever something may have been missed. The returned function ends it.
   */
  follow(key: string, onText: (text: string) => void, onGap: () => void): () => Promise<void>;
}

/** Entries that are kept, about; a reader who is further behind reads the log. */
const maxEntries = 1000;
/** What nobody adds to is gone after this time: it may hold what customers have bought. */
const keepMs = 60_000;
const atOnce = 100;
/** Less than the time after which a connection is given up that says nothing. */
const blockMs = 400;
/** After so many waits in vain it is asked whether the stream is still the one that was read. */
const lookEvery = 5;
const retryMs = 200;
/** Where a stream begins, and one that is not there. */
const nowhere = '0-0';

export function createStreams(
  writer: Pick<StreamCommands, 'pipeline'>,
  openReader: () => { client: StreamCommands; close: () => Promise<void> },
): Streams {
  return {
    async append(key, text) {
      const done = await writer
        .pipeline()
        .xadd(key, 'MAXLEN', '~', maxEntries, '*', 't', text)
        .pexpire(key, keepMs)
        .exec();
      const [error] = done?.[0] ?? [];
      if (error) throw error;
    },
    follow(key, onText, onGap) {
      const { client, close } = openReader();
      const ending = new AbortController();
      const reading = read({ client, key, onText, onGap, ended: ending.signal });
      return async () => {
        ending.abort();
        await close();
        await reading;
      };
    },
  };
}

interface Reading {
  readonly client: StreamCommands;
  readonly key: string;
  readonly onText: (text: string) => void;
  readonly onGap: () => void;
  readonly ended: AbortSignal;
}

async function read({ client, key, onText, onGap, ended }: Reading): Promise<void> {
  let last: string | null = null;
  let vain = 0;
  let wasLost = true;
  while (!ended.aborted) {
    try {
      if (wasLost || vain >= lookEvery) {
        const [newest] = await client.xrevrange(key, '+', '-', 'COUNT', 1);
        const end: string = newest?.[0] ?? nowhere;
        // Where it has begun anew, what comes may be old by the count so far.
        const isAnother = last === null || isBefore(end, last);
        if (isAnother) last = end;
        if (isAnother || wasLost) onGap();
        wasLost = false;
        vain = 0;
      }
      const entries: Entries = await client.xread('COUNT', atOnce, 'BLOCK', blockMs, 'STREAMS', key, last ?? nowhere);
      vain = entries ? 0 : vain + 1;
      for (const [id, [, text = '']] of entries?.[0]?.[1] ?? []) {
        last = id;
        onText(text);
      }
    } catch {
      // The connection says so itself. What was appended meanwhile, and kept, is read when it is back.
      wasLost = true;
      if (!ended.aborted) await sleep(retryMs * (0.5 + Math.random()), undefined, { ref: false });
    }
  }
}

type Entries = [key: string, items: [id: string, fields: string[]][]][] | null;

function isBefore(a: string, b: string): boolean {
  const [[time = 0, turn = 0], [otherTime = 0, otherTurn = 0]] = [a, b].map((id) => id.split('-').map(Number)) as [
    number[],
    number[],
  ];
  return time === otherTime ? turn < otherTurn : time < otherTime;
}
