import { expect, test } from 'vitest';
import type { StoredSession } from './session.ts';
import { storedSession } from './stored-session.ts';

test('a session survives being text, its dates included', () => {
  const kept = new Map<string, string>();
  const storage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  };
  const store = storedSession(storage, 'till');
  expect(store.get()).toBeNull();
  const user = { id: 'u', createdAt: new Date('2026-01-01T00:00:00Z') };
  const session = { accessToken: 'a', refreshToken: 'r', expiresIn: 900, expiresAt: 1, user } as StoredSession;
  void store.set(session);
  expect(store.get()).toEqual(session);
  expect([...kept.keys()]).toEqual(['till']);
  void store.set(null);
  expect(store.get()).toBeNull();
  expect(kept.size).toBe(0);
});
