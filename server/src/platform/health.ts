import type { Database } from '@olympus/database';
import type { Lifecycle } from './lifecycle.ts';

export interface HealthOptions {
  readonly database: Pick<Database, 'ping' | 'kind'>;
  readonly redis: { ping(): Promise<void> } | null;
  /** Connections to brokers, each by its name; absent: none. */
  readonly bridges?: () => Readonly<Record<string, { readonly status: 'up' | 'down' }>>;
  readonly relay: { status(): { readonly role: string; readonly healthy: boolean } };
  readonly lifecycle: Pick<Lifecycle, 'state'>;
}
/** `ok` decides between 200 and 503. */
export interface HealthReport {
  readonly ok: boolean;
  readonly body: object;
}
export interface Health {
  /** Everything, each dependency with its state and latency in milliseconds. */
  overall(): Promise<HealthReport>;
  /** Whether the process turns: what answers is alive. */
  live(): HealthReport;
  /** Whether calls should be sent here. */
  ready(): Promise<HealthReport>;
}

interface Dependency {
  readonly status: 'up' | 'down';
  readonly latencyMs: number;
}

/** Below the second that most probes wait. */
const pingDeadlineMs = 800;

/**
 * Without the database nothing can be served. Without Redis everything is: limits count in this process, and events are
 * found by looking; so a process whose Redis is away stays ready and says so. The same goes for brokers.
 */
export function createHealth({ database, redis, bridges, relay, lifecycle }: HealthOptions): Health {
  let probing: ReturnType<typeof dependencies> | null = null;
  /** Anyone may ask, so those who ask at the same time share the answer. */
  const look = () =>
    (probing ??= dependencies().finally(() => {
      probing = null;
    }));
  async function dependencies() {
    const [store, cache] = await Promise.all([probe(() => database.ping()), redis ? probe(() => redis.ping()) : null]);
    const links = bridges?.() ?? {};
    return {
      database: { ...store, kind: database.kind },
      ...(cache ? { redis: cache } : {}),
      ...(Object.keys(links).length > 0 ? { bridges: links } : {}),
      relay: relay.status(),
    };
  }
  return {
    live: () => ({ ok: true, body: { status: 'up', uptimeSeconds: Math.round(process.uptime()) } }),
    async ready() {
      const found = await look();
      const ok = lifecycle.state === 'ready' && found.database.status === 'up';
      return { ok, body: { status: ok ? 'ready' : 'not ready', state: lifecycle.state, dependencies: found } };
    },
    async overall() {
      const found = await look();
      const ok = found.database.status === 'up' && lifecycle.state !== 'stopped';
      const isCutOff = Object.values(found.bridges ?? {}).some(({ status }) => status === 'down');
      const degraded = found.redis?.status === 'down' || isCutOff || !found.relay.healthy;
      const status = ok ? (degraded ? 'degraded' : 'ok') : 'down';
      return {
        ok,
        body: { status, state: lifecycle.state, uptimeSeconds: Math.round(process.uptime()), dependencies: found },
      };
    },
  };
}

async function probe(ping: () => Promise<void>): Promise<Dependency> {
  const start = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer')), pingDeadlineMs);
  });
  const status = await Promise.race([ping(), late]).then(
    () => 'up' as const,
    () => 'down' as const,
  );
  clearTimeout(timer);
  return { status, latencyMs: Math.round((performance.now() - start) * 10) / 10 };
}
