import { setTimeout as sleep } from 'node:timers/promises';
import type { Bus } from '../../../events/bus.ts';
import { createPause } from '../../../events/pause.ts';
import { createTrouble, type EventsLog } from '../../../events/trouble.ts';
import { parseMessage, type Message, type Typing } from './messages.ts';
import type { Told } from './roster.ts';

export interface LinkOptions {
  readonly bus: Bus;
  readonly origin: string;
  readonly log: EventsLog;
  readonly onUsers: (origin: string, users: Told[]) => void;
  readonly onTyping: (typing: Typing) => void;
  /** Everything that this process has to tell. */
  readonly all: () => readonly Told[];
}

const retryMs = 1000;
/** Of users, so that a notification of PostgreSQL holds them. */
const perMessage = 50;
/** Typing signals that may wait; more are not worth being told late. */
const mostWaiting = 1000;

/** What processes tell each other of presence. Any of it may be lost: all is told again soon, or no longer true. */
export function createLink({ bus, origin, log, onUsers, onTyping, all }: LinkOptions) {
  const pause = createPause();
  const trouble = createTrouble(log, 'telling other processes of presence');
  /** The newest of each user; one message is on its way at a time. */
  const users = new Map<string, Told>();
  const others: Message[] = [];
  let sending: Promise<void> | null = null;
  let unsubscribe: (() => Promise<void>) | null = null;

  function receive(text: string): void {
    const message = parseMessage(text);
    if (!message || message.origin === origin) return;
    if (message.kind === 'users') onUsers(message.origin, [...message.users]);
    else if (message.kind === 'typing') onTyping(message.typing);
    else tell(all());
  }

  function next(): Message {
    const other = others.shift();
    if (other) return other;
    const told = [...users].slice(0, perMessage);
    for (const [key] of told) users.delete(key);
    return { origin, kind: 'users', users: told.map(([, one]) => one) };
  }

  async function send(): Promise<void> {
    while (users.size > 0 || others.length > 0) {
      try {
        await bus.publish(JSON.stringify(next()));
        trouble.over();
      } catch (error) {
        trouble.met(error);
      }
    }
    sending = null;
  }

  function tell(told: readonly Told[]): void {
    for (const one of told) users.set(`${one.tenantId} ${one.userId}`, one);
    if (users.size > 0) sending ??= send();
  }

  function push(message: Message): void {
    if (others.length < mostWaiting) others.push(message);
    sending ??= send();
  }

  async function subscribe(): Promise<void> {
    while (!pause.ended && !unsubscribe) {
      try {
        unsubscribe = await bus.subscribe(receive, () => push({ origin, kind: 'hello' }));
      } catch (error) {
        trouble.met(error);
        await pause.unwoken(retryMs);
      }
    }
    if (pause.ended) await unsubscribe?.();
  }

  return {
    start: () => void subscribe(),
    tell,
    signal: (typing: Typing) => push({ origin, kind: 'typing', typing }),
    async stop() {
      pause.end();
      await Promise.race([sending, sleep(1000, undefined, { ref: false })]);
      await unsubscribe?.();
    },
  };
}
