import type { Database } from '@olympus/database';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ids } from '../platform/ids.ts';
import { createWire, type Bus, type RedisChannels } from './bus.ts';
import { createPause } from './pause.ts';
import { carriedAtMost, type Carried, type Hint } from './place.ts';
import { createTrouble, type EventsLog } from './trouble.ts';

/** Carries hints to every process. A lost one costs time, no event: whoever follows a log looks at it now and then anyway. */
export interface Hints {
  /** `onCatchUp` is called when hints may have been lost. */
  start(onHint: (hint: Hint) => void, onCatchUp: () => void): void;
  readonly publish: (hints: readonly Hint[]) => void;
  stop(): Promise<void>;
}

export interface HintsOptions {
  readonly database: Database;
  readonly redis: RedisChannels | null;
  readonly ids: Ids;
  readonly log: EventsLog;
  /** Default: `olympus_events`. */
  readonly channel?: string;
}

const retryMs = 1000;

export function createHints(options: HintsOptions): Hints {
  const origin = options.ids.secret(9);
  const bus = createWire({ ...options, channel: options.channel ?? 'olympus_events' });
  const pause = createPause();
  const trouble = createTrouble(options.log, 'telling other processes of events');
  /** The newest hint of each tenant that is still to be sent; one message is on its way at a time. */
  const waiting = new Map<string, Hint>();
  let deliver: (hint: Hint) => void = () => {};
  let catchUp = () => {};
  let unsubscribe: (() => Promise<void>) | null = null;
  let sending: Promise<void> | null = null;

  function receive(text: string): void {
    const message = parse(text);
    if (message && message.origin !== origin) for (const hint of message.hints) deliver(hint);
  }

  async function subscribe(bus: Bus): Promise<void> {
    while (!pause.ended && !unsubscribe) {
      try {
        unsubscribe = await bus.subscribe(receive, () => catchUp());
      } catch (error) {
        trouble.met(error);
        await pause.unwoken(retryMs);
      }
    }
    if (pause.ended) await unsubscribe?.();
  }

  async function send(bus: Bus): Promise<void> {
    const perMessage = bus.maxBytes < 40_000 ? 40 : 200;
    while (waiting.size > 0) {
      const hints = [...waiting.values()].slice(0, perMessage);
      for (const { tenantId } of hints) waiting.delete(tenantId);
      try {
        await bus.publish(fitted({ origin, hints }, bus.maxBytes));
        trouble.over();
      } catch (error) {
        trouble.met(error);
      }
    }
    sending = null;
  }

  return {
    start(onHint, onCatchUp) {
      deliver = onHint;
      catchUp = onCatchUp;
      if (bus) void subscribe(bus);
    },
    publish(hints) {
      for (const hint of hints) {
        deliver(hint);
        if (!bus) continue;
        const earlier = waiting.get(hint.tenantId);
        waiting.set(hint.tenantId, earlier ? both(earlier, hint) : hint);
      }
      if (bus && waiting.size > 0) sending ??= send(bus);
    },
    async stop() {
      pause.end();
      await Promise.race([sending, sleep(1000, undefined, { ref: false })]);
      await unsubscribe?.();
    },
  };
}

/** What is carried goes on from what was carried before, or is not carried. */
function both(earlier: Hint, later: Hint): Hint {
  const topics = [...new Set([...earlier.topics, ...later.topics])];
  const [before, after] = [earlier.carried, later.carried];
  const isOne =
    before?.epoch === after?.epoch && before?.events.at(-1)?.position === (after?.events[0]?.position ?? 0) - 1;
  const isShort = (before?.events.length ?? 0) + (after?.events.length ?? 0) <= carriedAtMost;
  const carried =
    before && after && isOne && isShort ? { ...after, events: [...before.events, ...after.events] } : undefined;
  return { ...later, topics, carried };
}

/** The events are left out where there is no room for them. */
function fitted({ origin, hints }: Message, maxBytes: number): string {
  const text = JSON.stringify({ origin, hints });
  if (Buffer.byteLength(text) <= maxBytes) return text;
  return JSON.stringify({ origin, hints: hints.map((hint) => ({ ...hint, carried: undefined })) });
}

interface Message {
  readonly origin: string;
  readonly hints: readonly Hint[];
}

/** Null for what other programs may send on the channel. */
function parse(text: string): Message | null {
  try {
    const message = JSON.parse(text) as Message;
    return typeof message.origin === 'string' && message.hints.every(isHint) ? message : null;
  } catch {
    return null;
  }
}

const isHint = (hint: Hint): boolean =>
  typeof hint.tenantId === 'string' &&
  Number.isSafeInteger(hint.position) &&
  Array.isArray(hint.topics) &&
  (hint.carried === undefined || isCarried(hint.carried, hint.position));

/** Whether the events follow each other up to a position. */
const isCarried = ({ epoch, events }: Carried, position: number): boolean =>
  typeof epoch === 'string' &&
  events.length > 0 &&
  events.length <= carriedAtMost &&
  events.every(
    (event, index) =>
      event.position === position - events.length + 1 + index &&
      Number.isSafeInteger(event.sequence) &&
      [event.topic, event.type].every((text) => typeof text === 'string') &&
      typeof event.payload === 'object',
  );
