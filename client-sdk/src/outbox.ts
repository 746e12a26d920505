import type { Olympus } from './client-types.ts';
import type { ChatMessage } from './contracts.ts';
import { randomKey } from './calls.ts';
import { errorFrom } from './errors-from.ts';
import type { Failure } from './failure.ts';
import { memoryOutbox, type OutboxStore, type OutgoingMessage } from './outbox-store.ts';
import { delayAfter } from './retry.ts';

/** What happens to a message: each is `pending` at first and after a retry, then `sent` or `failed`. */
export type OutboxEvent =
  | { readonly type: 'pending'; readonly message: OutgoingMessage }
  | { readonly type: 'sent'; readonly message: OutgoingMessage; readonly sent: ChatMessage }
  /** Refused for good: it stays until `retry` or `discard`, and those behind it go on. */
  | { readonly type: 'failed'; readonly message: OutgoingMessage; readonly failure: Failure };

export interface OutboxOptions {
  /** Where messages wait. Default: memory. `storedOutbox(localStorage)` keeps them across visits. */
  store?: OutboxStore | undefined;
  onEvent?: ((event: OutboxEvent) => void) | undefined;
  /** Milliseconds for one attempt. Default: 10,000. */
  timeoutMs?: number | undefined;
}

/** Sends chat messages whenever there is a way, in order within each channel, each exactly once. */
export interface Outbox {
  /** Resolves once the message is stored, with its `clientId`; it is sent without waiting for it. Throws where nobody is signed in. */
  send(message: { channelId: string; text: string }): Promise<OutgoingMessage>;
  /** What waits, in order; those that have failed too. */
  messages(): Promise<readonly OutgoingMessage[]>;
  /** Tries a failed message again, behind what waits in its channel. */
  retry(clientId: string): Promise<void>;
  /** Forgets a message. One that is on its way may arrive all the same. */
  discard(clientId: string): Promise<void>;
  /** Tries at once, as when the network is back; browsers' `online` event does it by itself. */
  flush(): void;
  /** Stops sending; what waits stays in the store. */
  close(): void;
}

type Edit = (messages: readonly OutgoingMessage[]) => OutgoingMessage[];
const without =
  (clientId: string): Edit =>
  (messages) =>
    messages.filter((message) => message.clientId !== clientId);

type Api = Pick<Olympus, 'chat' | '$session'>;

/** Refusals that another attempt may not meet, beside everything that is no refusal. */
const passing: ReadonlySet<string> = new Set([
  'UNAUTHENTICATED',
  'TENANT_SUSPENDED',
  'RATE_LIMITED',
  'IDEMPOTENCY_IN_PROGRESS',
  'CANCELLED',
]);
const isRefusal = ({ code, status }: Failure): boolean =>
  status >= 400 && status < 500 && code !== 'NETWORK' && !passing.has(code);

/**
 * A queue of chat messages that outlives being offline and, by its store, the page. One queue for each store.
 * @example
 * const outbox = createOutbox(api, { store: storedOutbox(localStorage), onEvent: show });
 * await outbox.send({ channelId, text: 'Hello' });
 */
export function createOutbox(api: Api, options: OutboxOptions = {}): Outbox {
  const { store = memoryOutbox(), onEvent = () => {}, timeoutMs = 10_000 } = options;
  const channels = new Map<string, { wake: () => void; again: boolean }>();
  let closed = false;
  let messages: readonly OutgoingMessage[] = [];
  let saving = Promise.resolve();
  const loaded = load();
  loaded.catch(() => {});

  async function load(): Promise<void> {
    messages = await store.get();
    flush();
  }
  /** Changes run in order, so that the store never goes back to an older queue. What it does not take is not so, unless it is so already. */
  function change(edit: Edit, { already = false } = {}): Promise<void> {
    const write = async () => {
      const to = edit(messages);
      try {
        await store.set(to);
      } catch (error) {
        if (!already) throw error;
      }
      messages = to;
    };
    const changed = saving.then(write);
    saving = changed.catch(() => {});
    return changed;
  }
  const nextOf = (channelId: string) => messages.find((one) => one.channelId === channelId && !one.failed);

  async function attempt(message: OutgoingMessage): Promise<void> {
    const { channelId, clientId, text } = message;
    const session = await api.$session();
    // Nobody else may send what this user wrote.
    if (session?.user.id !== message.userId) throw new Error('Another user is signed in');
    const context = { retries: 0, timeoutMs };
    const sent = await api.chat.messages.send.mutate({ channelId, clientId, text }, { context });
    // Where the store fails the message is sent again after a restart, and is the same one to the server.
    await change(without(clientId), { already: true });
    onEvent({ type: 'sent', message, sent });
  }

  async function refuse(message: OutgoingMessage, failure: Failure): Promise<void> {
    const failed = { ...message, failed: true };
    await change((all) => all.map((one) => (one.clientId === message.clientId ? failed : one)), { already: true });
    onEvent({ type: 'failed', message: failed, failure });
  }

  async function run(channelId: string, turn: { wake: () => void; again: boolean }): Promise<void> {
    for (let failures = 0; !closed;) {
      const message = nextOf(channelId);
      if (!message) break;
      try {
        await attempt(message);
        failures = 0;
      } catch (cause) {
        const error = errorFrom(cause);
        if (isRefusal(error.failure)) await refuse(message, error.failure);
        else await pause(delayAfter(error, failures++), turn);
      }
    }
    channels.delete(channelId);
  }

  function flush(): void {
    for (const { channelId, failed } of messages) {
      if (failed || closed) continue;
      const turn = channels.get(channelId);
      if (turn) {
        turn.again = true;
        turn.wake();
        continue;
      }
      const begun = { wake: () => {}, again: false };
      channels.set(channelId, begun);
      void run(channelId, begun);
    }
  }

  globalThis.addEventListener?.('online', flush);

  async function enqueue(message: OutgoingMessage): Promise<void> {
    await change((all) => [...without(message.clientId)(all), message]);
    onEvent({ type: 'pending', message });
    flush();
  }

  return {
    async send({ channelId, text }) {
      await loaded;
      const userId = (await api.$session())?.user.id;
      if (userId === undefined) throw new TypeError('Nobody is signed in');
      const message = { channelId, clientId: randomKey(), text, userId, failed: false };
      await enqueue(message);
      return message;
    },
    async messages() {
      await loaded;
      return messages;
    },
    async retry(clientId) {
      await loaded;
      const message = messages.find((one) => one.clientId === clientId && one.failed);
      if (message) await enqueue({ ...message, failed: false });
    },
    async discard(clientId) {
      await loaded;
      await change(without(clientId));
    },
    flush,
    close() {
      closed = true;
      globalThis.removeEventListener?.('online', flush);
      for (const turn of channels.values()) turn.wake();
    },
  };
}

/** Waits, or is woken. A wake-up during an attempt counts too. */
const pause = (ms: number, turn: { wake: () => void; again: boolean }): Promise<void> =>
  new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      turn.again = false;
      turn.wake = () => {};
      resolve();
    };
    const timer = setTimeout(done, turn.again ? 0 : ms);
    turn.wake = done;
  });
