import { createStore, type Store } from '../harness.ts';
import { olympus, type Served } from '../processes.ts';
import { findProgram, haproxyAddress, startHaproxy, startRedis, type Haproxy, type Service } from '../services.ts';

const missing = [
  ...['TEST_DATABASE_URL', 'TEST_REDIS_URL'].filter((name) => !process.env[name]),
  ...['haproxy', 'redis-server'].filter((program) => findProgram(program) === null),
];
/** Whether several replicas can run here. The embedded database has one process by nature. */
export const canRun = missing.length === 0;
/** Behind the name of a suite: nothing, or that it is skipped and what is missing. */
export const note = canRun ? '' : `: skipped, there is no ${missing.join(', ')}`;

/** Three replicas in processes of their own, on one PostgreSQL and one Redis, behind one haproxy. */
export interface Fleet {
  /** The variables that the replicas were started with. */
  readonly env: Readonly<Record<string, string>>;
  readonly replicas: readonly Served[];
  readonly haproxy: Haproxy;
  /** Whoever kills it puts the next one here. */
  redis: Service & { readonly port: number };
  stop(): Promise<void>;
}

export async function startFleet(variables: Readonly<Record<string, string>>): Promise<Fleet> {
  let store: Store | undefined;
  let redis: Fleet['redis'] | undefined;
  let replicas: Served[] = [];
  let haproxy: Haproxy | undefined;
  const stop = async () => {
    await haproxy?.kill();
    await Promise.all(replicas.map((replica) => replica.stop()));
    await redis?.kill();
    await store?.remove();
  };
  try {
    [store, redis] = await Promise.all([createStore(), startRedis()]);
    // PostgreSQL takes a hundred connections, and other suites want some.
    const shared = { ...store.env, REDIS_URL: redis.url, DATABASE_POOL_SIZE: '5' };
    const env = { ...shared, OLYMPUS_TRUSTED_PROXIES: haproxyAddress, ...variables };
    const started = await Promise.allSettled([1, 2, 3].map(() => olympus(env)));
    replicas = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    for (const one of started) if (one.status === 'rejected') throw one.reason;
    haproxy = await startHaproxy(replicas.map(({ url }) => url));
    return {
      env,
      replicas,
      haproxy,
      get redis() {
        return redis as Fleet['redis'];
      },
      set redis(next) {
        redis = next;
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
