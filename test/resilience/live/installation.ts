import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { olympus, type Served } from '../../processes.ts';
import { haproxyAddress, startHaproxy, startRedis, type Haproxy, type Service } from '../../services.ts';
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
  readonly redis: {
    readonly url: string;
    readonly process: Service['process'];
    /** Kills it; what it held is gone when it starts again after `downMs`. */
    restart(downMs: number): Promise<void>;
  };
  close(): Promise<void>;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

export async function install(programs: string, count: number): Promise<Installation> {
  const postgres = await startPostgres(programs, await freePort());
  let redisServer = await startRedis();
  const env = {
    DATABASE_URL: postgres.url,
    REDIS_URL: redisServer.url,
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
    redis: {
      url: redisServer.url,
      get process() {
        return redisServer.process;
      },
      async restart(downMs) {
        await redisServer.kill();
        await new Promise((done) => setTimeout(done, downMs));
        redisServer = await startRedis(redisServer.port);
      },
    },
    async close() {
      await Promise.all(replicas.map((replica) => replica.kill()));
      await balancer.kill();
      await redisServer.kill();
      await postgres.close();
    },
  };
}
