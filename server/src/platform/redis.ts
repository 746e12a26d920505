import { Redis as Client, type RedisOptions } from 'ioredis';
import type { Logger } from 'pino';

/** Redis is a help, never the truth: every call answers or fails within a second, and nothing waits in a queue. */
export interface Redis {
  /** For commands; keys get the prefix by themselves. Fails at once while there is no connection. */
  readonly client: Client;
  /** Resolves to the number of subscribers reached. */
  publish(channel: string, text: string): Promise<number>;
  /**
   * Calls `onMessage` for what is published from now on, or from when there is a connection; the returned function ends
   * it. What is published while there is none is lost, so `onSubscribed`, called at every (re)subscription, is the
   * moment to catch up.
   */
  subscribe(
    channel: string,
    onMessage: (text: string) => void,
    onSubscribed?: () => void,
  ): Promise<() => Promise<void>>;
  /** Rejects when Redis does not answer within a second on each connection, that of the subscriptions included. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

export interface RedisSettings {
  /** Comes before every key and channel, so that installations may share a server. */
  readonly keyPrefix: string;
  readonly log: Logger;
}

const timeoutMs = 1000;
const heartbeatMs = 5000;

export function openRedis(url: string, { keyPrefix, log }: RedisSettings): Redis {
  const client = connect(url, { keyPrefix, connectionName: 'olympus' }, log);
  const subscriptions = createSubscriptions(connect(url, { connectionName: 'olympus-subscriber' }, log), log);

  return {
    client,
    publish: (channel, text) => client.publish(keyPrefix + channel, text),
    subscribe: (channel, onMessage, onSubscribed = () => {}) =>
      subscriptions.add(keyPrefix + channel, { onMessage, onSubscribed }),
    ping: async () => {
      await Promise.all([client.ping(), subscriptions.ping()]);
    },
    close: async () => {
      await Promise.all([end(client), subscriptions.close()]);
    },
  };
}

function connect(url: string, options: RedisOptions, log: Logger): Client {
  const client = new Client(url, {
    commandTimeout: timeoutMs,
    connectTimeout: timeoutMs,
    // A server that is stopped keeps its connections: they are given up, and with them what was sent to them.
    socketTimeout: timeoutMs,
    keepAlive: 10_000,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    retryStrategy: (attempt) => Math.min(50 * 2 ** attempt, 1000) * (0.5 + Math.random() / 2),
    ...options,
  });
  const connection = options.connectionName;
  let told = false;
  client.on('ready', () => {
    told = false;
    log.info({ connection }, 'connected to Redis');
  });
  client.on('error', (err) => {
    if (!told) log.warn({ connection, err }, 'Redis does not answer');
    told = true;
  });
  return client;
}

interface Subscription {
  readonly onMessage: (text: string) => void;
  readonly onSubscribed: () => void;
}

function createSubscriptions(client: Client, log: Logger) {
  const channels = new Map<string, Set<Subscription>>();
  const subscribe = async (channel: string, to: Iterable<Subscription>): Promise<void> => {
    await client.subscribe(channel);
    for (const { onSubscribed } of to) onSubscribed();
  };
  client.on('ready', () => {
    for (const [channel, all] of channels)
      subscribe(channel, all).catch((err: unknown) => log.warn({ channel, err }, 'a subscription failed'));
  });
  client.on('message', (channel, text) => {
    for (const { onMessage } of channels.get(channel) ?? []) {
      try {
        onMessage(text);
      } catch (err) {
        log.error({ channel, err }, 'a subscriber failed');
      }
    }
  });
  // Nothing is sent over a quiet subscription, so only asking tells that the server is gone.
  const heartbeat = setInterval(() => {
    if (client.status === 'ready') client.ping().catch(() => {});
  }, heartbeatMs).unref();

  return {
    async add(channel: string, subscription: Subscription): Promise<() => Promise<void>> {
      const all = channels.get(channel) ?? new Set();
      channels.set(channel, all.add(subscription));
      // Without a connection the next one subscribes.
      if (client.status === 'ready') await subscribe(channel, [subscription]).catch(() => {});
      return async () => {
        if (!all.delete(subscription) || all.size > 0) return;
        channels.delete(channel);
        if (client.status === 'ready') await client.unsubscribe(channel).catch(() => {});
      };
    },
    ping: () => client.ping(),
    async close(): Promise<void> {
      clearInterval(heartbeat);
      await end(client);
    },
  };
}

async function end(client: Client): Promise<void> {
  if (client.status === 'ready') await client.quit().catch(() => {});
  client.disconnect();
}
