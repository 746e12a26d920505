import { parse, stringify } from 'superjson';
import type { SessionStore, StoredSession } from './session.ts';

/** What is needed of `localStorage`, `sessionStorage` and their like. */
export interface TextStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/**
 * Keeps the session as text, shared by all pages that use the same storage.
 * Scripts that run in the page can read it: where that is a risk, keep it in memory.
 */
export const storedSession = (storage: TextStorage, key = 'olympus.session'): SessionStore => ({
  get: () => {
    const text = storage.getItem(key);
    return text ? parse<StoredSession>(text) : null;
  },
  set: (session) => (session ? storage.setItem(key, stringify(session)) : storage.removeItem(key)),
});
