import { Cluster, Redis as Client, type RedisOptions } from 'ioredis';
import type { Logger } from 'pino';
import { createStreams, type Streams } from './redis-stream.ts';

/** What one server and a cluster have in common. */
type Commands = Pick<Client, 'defineCommand' | 'del' | 'get' | 'ping' | 'pttl' | 'publish' | 'sendCommand' | 'set'>;

/** Redis is a help, never the truth: every call answers or fails within a second, and nothing waits in a queue. */
export interface Redis extends Streams {
  /** For commands; keys get the prefix by themselves. Fails at once while there is no connection. */
  readonly client: Commands;
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
  /** Rejects when Redis does not answer within a second, on the connection of subscriptions too, or a cluster has lost a part. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

export interface RedisSettings {
  /** Whether the servers are a cluster; several are one in any case. */
  readonly cluster?: boolean;
  /** Comes before every key and channel, so that installations may share a server. */
  readonly keyPrefix: string;
  readonly log: Logger;
}

const timeoutMs = 1000;
const heartbeatMs = 5000;

/** `url` is one server, or some of a cluster's, separated by commas. */
export function openRedis(url: string, { cluster = false, keyPrefix, log }: RedisSettings): Redis {
  const urls = url.split(',').map((one) => one.trim());
  const open = (name: string) =>
    cluster || urls.length > 1
      ? openCluster(urls, { name, keyPrefix, log })
      : openServer(url, { name, keyPrefix, log });
  const { client, look } = open('olympus');
  const streams = createStreams(client, () => {
    const reader = open('olympus-reader').client;
    return { client: reader, close: async () => reader.disconnect() };
  });
  const subscriptions = createSubscriptions(connect(urls, { connectionName: 'olympus-subscriber' }, log), log);

  return {
    client,
    ...streams,
    publish: (channel, text) => client.publish(keyPrefix + channel, text),
    subscribe: (channel, onMessage, onSubscribed = () => {}) =>
      subscriptions.add(keyPrefix + channel, { onMessage, onSubscribed }),
    ping: async () => {
      await Promise.all([look(), subscriptions.ping()]);
    },
    close: async () => {
      await Promise.all([end(client), subscriptions.close()]);
    },
  };
}

const connection = {
  commandTimeout: timeoutMs,
  connectTimeout: timeoutMs,
  // A server that is stopped keeps its connections: they are given up, and with them what was sent to them.
  socketTimeout: timeoutMs,
  keepAlive: 10_000,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
} satisfies RedisOptions;
const retryMs = (attempt: number) => Math.min(50 * 2 ** attempt, 1000) * (0.5 + Math.random() / 2);

interface Opened {
  readonly client: Client | Cluster;
  /** Rejects while keys cannot be had. */
  readonly look: () => Promise<unknown>;
}

interface Named extends RedisSettings {
  readonly name: string;
}

function openServer(url: string, { name, keyPrefix, log }: Named): Opened {
  const client = connect([url], { keyPrefix, connectionName: name }, log);
  return { client, look: () => client.ping() };
}

/** A call that meets a slot on its way from one server to another is tried again, for less than a second. */
function openCluster(urls: readonly string[], { name, keyPrefix, log }: Named): Opened {
  const [first = ''] = urls;
  const { username, password, protocol } = new URL(first);
  const client = new Cluster([...urls], {
    keyPrefix,
    enableOfflineQueue: false,
    // Words are carried by what is left of a cluster, even where keys are not to be had.
    enableReadyCheck: false,
    clusterRetryStrategy: retryMs,
    maxRedirections: 4,
    retryDelayOnFailover: 100,
    retryDelayOnClusterDown: 100,
    slotsRefreshTimeout: timeoutMs,
    redisOptions: {
      ...connection,
      connectionName: name,
      ...(username && { username: decodeURIComponent(username) }),
      ...(password && { password: decodeURIComponent(password) }),
      ...(protocol === 'rediss:' && { tls: {} }),
    },
  });
  tell(client, name, log);
  const look = async () => {
    const state = await client.cluster('INFO');
    if (!/cluster_state:ok/.test(state) || !/cluster_slots_ok:16384/.test(state))
      throw new Error('a part of the Redis cluster has no server');
  };
  return { client, look };
}

/** To one of these servers, the next one when it is lost: what is published in a cluster comes to all its servers. */
function connect(urls: readonly string[], options: RedisOptions, log: Logger): Client {
  let at = 0;
  const client = new Client(urls[0] ?? '', {
    ...connection,
    enableOfflineQueue: false,
    retryStrategy(attempt) {
      const { hostname, port } = new URL(urls[++at % urls.length] ?? '');
      // Read at each connection.
      if (urls.length > 1) Object.assign(client.options, { host: hostname, port: Number(port || 6379) });
      return retryMs(attempt);
    },
    ...options,
  });
  tell(client, options.connectionName, log);
  return client;
}

/** Logs the first of a row of errors and the end of the row. */
function tell(client: Client | Cluster, connection: string | undefined, log: Logger): void {
  let told = false;
  client.on('ready', () => {
    told = false;
    log.info({ connection }, 'connected to Redis');
  });
  client.on('error', (err: unknown) => {
    if (!told) log.warn({ connection, err }, 'Redis does not answer');
    told = true;
  });
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

async function end(client: Client | Cluster): Promise<void> {
  if (client.status === 'ready') await client.quit().catch(() => {});
  client.disconnect();
}
