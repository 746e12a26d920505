import type { TextStorage } from './stored-session.ts';

/** A chat message that is to be sent. */
export interface OutgoingMessage {
  readonly channelId: string;
  /** Under which the server takes it once. */
  readonly clientId: string;
  readonly text: string;
  /** Who wrote it: it waits while somebody else is signed in. */
  readonly userId: string;
  /** The server has refused it. */
  readonly failed: boolean;
}

/** Keeps the queue of one outbox: `set` replaces it whole. Synchronous or not. */
export interface OutboxStore {
  get(): readonly OutgoingMessage[] | Promise<readonly OutgoingMessage[]>;
  set(messages: readonly OutgoingMessage[]): void | Promise<void>;
}

/** Keeps messages while the page lives. */
export function memoryOutbox(): OutboxStore {
  let kept: readonly OutgoingMessage[] = [];
  return {
    get: () => kept,
    set: (messages) => {
      kept = messages;
    },
  };
}

/** Keeps messages as text across visits. Scripts that run in the page can read them. */
export const storedOutbox = (storage: TextStorage, key = 'olympus.outbox'): OutboxStore => ({
  get: () => JSON.parse(storage.getItem(key) ?? '[]') as OutgoingMessage[],
  set: (messages) => (messages.length > 0 ? storage.setItem(key, JSON.stringify(messages)) : storage.removeItem(key)),
});
