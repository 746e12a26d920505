import { LRUCache } from 'lru-cache';
import type { QueryCache } from '../kernel/steps/cache.ts';

export interface QueryCacheOptions {
  /** Answers kept at most. Default 10,000. */
  readonly maxEntries?: number;
  /** Characters of JSON that all answers together may have. Default 32 million. */
  readonly maxSize?: number;
  /** Told of every drop of this process, so that other replicas may be told. */
  readonly onDrop?: (tenantId: string, tags: readonly string[]) => void;
}

export interface LocalQueryCache extends QueryCache {
  /** A drop that another replica made: as `drop`, without telling anyone. */
  dropLocally(tenantId: string, tags: Iterable<string>): void;
  /** Forgets everything, as after messages from other replicas may have been lost. */
  clear(): void;
}

/** What was computed, or is being computed, with what was known when it began. */
interface Entry {
  readonly value: Promise<unknown>;
  readonly begun: number;
}

/**
 * Every drop takes the next number, and keeps it by tenant and tag. An answer whose computation began before the latest
 * drop of one of its tags is never given out again, even where it comes out after the drop.
 */
export function createQueryCache({
  maxEntries = 10_000,
  maxSize = 32_000_000,
  onDrop,
}: QueryCacheOptions = {}): LocalQueryCache {
  let drops = 0;
  /** Drops up to this number count for every tag: those that `droppedAt` has forgotten. */
  let floor = 0;
  const droppedAt = new LRUCache<string, number>({
    max: maxEntries,
    dispose: (number, _, reason) => {
      if (reason === 'evict') floor = Math.max(floor, number);
    },
  });
  const kept = new LRUCache<string, Entry>({ max: maxEntries, maxSize });
  const running = new Map<string, Entry>();

  const isCurrent = (entry: Entry | undefined, tenantId: string, tags: readonly string[]): entry is Entry =>
    entry !== undefined &&
    entry.begun >= floor &&
    tags.every((tag) => entry.begun >= (droppedAt.get(`${tenantId}:${tag}`) ?? 0));

  const dropLocally: LocalQueryCache['dropLocally'] = (tenantId, tags) => {
    const number = ++drops;
    for (const tag of tags) droppedAt.set(`${tenantId}:${tag}`, number);
  };

  return {
    async through({ tenantId, key, tags, ttlSeconds, mayKeep = () => true }, compute) {
      const name = `${tenantId}:${key}`;
      const found = kept.get(name);
      if (isCurrent(found, tenantId, tags)) return found.value;
      const shared = running.get(name);
      if (isCurrent(shared, tenantId, tags)) {
        // The caller whose computation this is may have left; that is no answer to those who stay.
        return shared.value.catch((cause: unknown) => (isCancelled(cause) ? compute() : Promise.reject(cause)));
      }
      const entry: Entry = { begun: drops, value: compute() };
      running.set(name, entry);
      try {
        const value = freeze(await entry.value);
        const size = JSON.stringify(value)?.length || 1;
        if (mayKeep() && isCurrent(entry, tenantId, tags) && size <= maxSize / 4)
          kept.set(name, entry, { ttl: ttlSeconds * 1000, size });
        return value;
      } finally {
        if (running.get(name) === entry) running.delete(name);
      }
    },
    drop(tenantId, tags) {
      const all = [...tags];
      if (all.length === 0) return;
      dropLocally(tenantId, all);
      onDrop?.(tenantId, all);
    },
    dropLocally,
    clear() {
      floor = ++drops;
      kept.clear();
    },
  };
}

const isCancelled = (cause: unknown): boolean =>
  typeof cause === 'object' && cause !== null && 'code' in cause && cause.code === 'CANCELLED';

/** An answer is shared by many callers, none of whom may change it. */
function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) freeze(part);
  }
  return value;
}
