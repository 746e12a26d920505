import { sql, type Database } from '@olympus/database';

/** What a bus, and a wire, need of Redis. */
export interface RedisChannels {
  publish(channel: string, text: string): Promise<unknown>;
  subscribe(channel: string, onText: (text: string) => void, onSubscribed: () => void): Promise<() => Promise<void>>;
  append(stream: string, text: string): Promise<unknown>;
  follow(stream: string, onText: (text: string) => void, onGap: () => void): () => Promise<void>;
}

/** Carries texts between processes, and may lose them. */
export interface Bus {
  /** Bytes of a text at most. */
  readonly maxBytes: number;
  publish(text: string): Promise<unknown>;
  /** `onSubscribed` is called at every (re)subscription, since texts may have been lost before it. */
  subscribe(onText: (text: string) => void, onSubscribed: () => void): Promise<() => Promise<void>>;
}

interface BusOptions {
  readonly database: Database;
  readonly redis: RedisChannels | null;
  readonly channel: string;
}

/** As `createBus`, by a stream of Redis: what is published while a process has lost its connection comes when it is back. */
export function createWire({ database, redis, channel }: BusOptions): Bus | null {
  if (!redis) return createBus({ database, redis, channel });
  return {
    maxBytes: 65_536,
    publish: (text) => redis.append(channel, text),
    subscribe: async (onText, onSubscribed) => redis.follow(channel, onText, onSubscribed),
  };
}

/** Redis where there is one; else PostgreSQL; none on the embedded database, which has one process. */
export function createBus({ database, redis, channel }: BusOptions): Bus | null {
  if (redis) {
    return {
      maxBytes: 1_000_000,
      publish: (text) => redis.publish(channel, text),
      subscribe: (onText, onSubscribed) => redis.subscribe(channel, onText, onSubscribed),
    };
  }
  if (database.kind === 'embedded') return null;
  return {
    // A notification holds fewer than 8,000 bytes.
    maxBytes: 7_999,
    publish: (text) => database.systemDb.rows(sql`select pg_notify(${channel}, ${text})`),
    subscribe: (onText, onSubscribed) => database.listen(channel, onText, onSubscribed),
  };
}
