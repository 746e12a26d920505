import type { TextStorage } from './stored-session.ts';

/** Up to which sequence a user was shown their notifications. */
export interface InboxMark {
  readonly userId: string;
  readonly shownThrough: number;
}

/** Keeps the mark of one inbox. Synchronous or not. */
export interface InboxStore {
  get(): InboxMark | null | Promise<InboxMark | null>;
  set(mark: InboxMark): void | Promise<void>;
}

/** Keeps the mark while the page lives. */
export function memoryInbox(): InboxStore {
  let kept: InboxMark | null = null;
  return {
    get: () => kept,
    set: (mark) => {
      kept = mark;
    },
  };
}

/** Keeps the mark as text across visits. */
export const storedInbox = (storage: TextStorage, key = 'olympus.inbox'): InboxStore => ({
  get: () => JSON.parse(storage.getItem(key) ?? 'null') as InboxMark | null,
  set: (mark) => storage.setItem(key, JSON.stringify(mark)),
});
