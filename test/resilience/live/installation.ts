import { setTimeout as sleep } from 'node:timers/promises';
import { olympus, type Served } from '../../processes.ts';
import { freePort, haproxyAddress, startHaproxy, startRedis, type Haproxy, type Service } from '../../services.ts';
import { startPostgres, type PostgresServer } from './postgres.ts';

/** A server that is killed and started again at its place. */
export interface Replica {
  readonly url: string;
  /** Null while it is dead. */
  served: Served | null;
  kill(): Promise<void>;
  start(): Promise<void>;
}

/** Everything of its own, so that everything may break. */
export interface Installation {
  readonly replicas: readonly Replica[];
  readonly balancer: Haproxy;
  readonly postgres: PostgresServer;
  /** Null where replicas tell each other by PostgreSQL alone. */
  readonly redis: RedisServer | null;
  close(): Promise<void>;
}

interface RedisServer {
  readonly url: string;
  readonly process: Service['process'];
  /** Kills it; what it held is gone when it starts again after `downMs`. */
  restart(downMs: number): Promise<void>;
  close(): Promise<void>;
}

async function installRedis(): Promise<RedisServer> {
  let server = await startRedis();
  return {
    url: server.url,
    get process() {
      return server.process;
    },
    async restart(downMs) {
      await server.kill();
      await sleep(downMs);
      server = await startRedis(server.port);
    },
    close: () => server.kill(),
  };
}

export interface Plan {
  /** Folder of PostgreSQL's programs. */
  readonly programs: string;
  readonly replicas: number;
  readonly withRedis: boolean;
}

export async function install({ programs, replicas: count, withRedis }: Plan): Promise<Installation> {
  const postgres = await startPostgres(programs, await freePort());
  const redis = withRedis ? await installRedis() : null;
  const env = {
    DATABASE_URL: postgres.url,
    REDIS_URL: redis?.url ?? '',
    TRUSTED_PROXIES: `${haproxyAddress}/32`,
    OLYMPUS_ACCESS_TOKEN_SECONDS: '86400',
    RATE_LIMITS: 'off',
  };
  const replicas: Replica[] = [];
  for (let index = 0; index < count; index++) {
    const port = await freePort();
    const replica: Replica = {
      url: `http://127.0.0.1:${port}`,
      served: null,
      async kill() {
        const { served } = replica;
        replica.served = null;
        await served?.stop('SIGKILL');
      },
      async start() {
        replica.served = await olympus({ ...env, PORT: String(port) });
      },
    };
    replicas.push(replica);
  }
  await Promise.all(replicas.map((replica) => replica.start()));
  const balancer = await startHaproxy(replicas.map(({ url }) => url));
  return {
    replicas,
    balancer,
    postgres,
    redis,
    async close() {
      await Promise.all(replicas.map((replica) => replica.kill()));
      await balancer.kill();
      await redis?.close();
      await postgres.close();
    },
  };
}
