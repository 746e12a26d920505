/** Reads by key; see `shareReads`. */
export type SharedReads<T> = (key: string, read: () => Promise<T>) => Promise<T>;

/**
 * Whoever asks while a read of the same key runs gets the next one, together with all others who wait: each answer is
 * newer than its question, and there is one read at a time however many ask.
 */
export function shareReads<T>(): SharedReads<T> {
  const waiting = new Map<string, Promise<T>>();
  const latest = new Map<string, Promise<void>>();
  return (key, read) => {
    const shared = waiting.get(key);
    if (shared) return shared;
    const before = latest.get(key);
    const turn = (async () => {
      await before;
      waiting.delete(key);
      return read();
    })();
    const end: Promise<void> = turn.catch(() => {}).then(() => void (latest.get(key) === end && latest.delete(key)));
    waiting.set(key, turn);
    latest.set(key, end);
    return turn;
  };
}
