import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import type { Installation, Replica } from './installation.ts';
import type { PacketFilter } from './packets.ts';
import type { Subscriber } from './subscribers.ts';

/** Numbers from 0 to 1, the same for the same seed: Mulberry32, by Tommy Ettinger. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface Chaos {
  readonly installation: Installation;
  /** Null where packets cannot be taken away. */
  readonly packets: PacketFilter | null;
  readonly subscribers: readonly Subscriber[];
  readonly random: () => number;
}

/** What may go wrong, how often compared with the rest, and how; resolves when it is over. */
interface FaultKind {
  readonly weight: number;
  /** At most one of these is under way at a time: two would be one, or none. */
  readonly of: 'replicas' | 'redis' | 'postgres' | 'network' | 'packets';
  /** What is of `redis` does so anyway. */
  readonly needsRedis?: boolean;
  run(chaos: Chaos): Promise<void>;
}

const pick = <T>({ random }: Chaos, items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
const between = ({ random }: Chaos, least: number, most: number): number => least + random() * (most - least);

async function kill(chaos: Chaos, replica: Replica | undefined): Promise<void> {
  if (!replica?.served) return;
  await replica.kill();
  await sleep(between(chaos, 0, 1500));
  await replica.start();
}

async function leaderOf({ replicas }: Installation): Promise<Replica | undefined> {
  for (const replica of replicas) {
    const health = await fetch(`${replica.url}/health`, { signal: AbortSignal.timeout(1000) }).catch(() => null);
    const body = (await health?.json().catch(() => null)) as { dependencies?: { relay?: { role?: string } } } | null;
    if (body?.dependencies?.relay?.role === 'leader') return replica;
  }
  return undefined;
}

/** Sends an inline command, without waiting for a Redis that stands still. */
async function redis({ installation }: Chaos, command: string): Promise<void> {
  const socket = connect(portOf(installation.redis?.url), '127.0.0.1');
  socket.on('error', () => {});
  socket.setTimeout(5000, () => socket.destroy());
  socket.end(`${command}\r\nQUIT\r\n`).resume();
  await once(socket, 'close');
}

const portOf = (url = ''): number => Number(new URL(url).port);

/** Takes away the packets of some of a replica's connections, which neither end is told of. */
async function cutOff(chaos: Chaos, url: string | undefined): Promise<void> {
  const pid = pick(chaos, chaos.installation.replicas).served?.process.pid;
  if (pid === undefined || !chaos.packets) return;
  const share = between(chaos, 0.3, 1);
  for (const connection of await chaos.packets.connectionsOf(pid, portOf(url)))
    if (chaos.random() < share) await chaos.packets.drop(connection);
}

const faults: Readonly<Record<string, FaultKind>> = {
  'kill -9 of a replica': {
    weight: 4,
    of: 'replicas',
    run: (chaos) => kill(chaos, pick(chaos, chaos.installation.replicas)),
  },
  'kill -9 of the relay': {
    weight: 4,
    of: 'replicas',
    run: async (chaos) => kill(chaos, await leaderOf(chaos.installation)),
  },
  'a replica stands still': {
    weight: 2,
    of: 'replicas',
    async run(chaos) {
      const child = pick(chaos, chaos.installation.replicas).served?.process;
      child?.kill('SIGSTOP');
      await sleep(between(chaos, 300, 3000));
      child?.kill('SIGCONT');
    },
  },
  'Redis stands still': {
    weight: 3,
    of: 'redis',
    async run(chaos) {
      const server = chaos.installation.redis?.process;
      server?.kill('SIGSTOP');
      await sleep(between(chaos, 200, 3000));
      server?.kill('SIGCONT');
    },
  },
  'Redis restarts, empty': {
    weight: 3,
    of: 'redis',
    run: async (chaos) => chaos.installation.redis?.restart(between(chaos, 0, 1500)),
  },
  FLUSHALL: { weight: 3, of: 'redis', run: async (chaos) => redis(chaos, 'FLUSHALL') },
  'CLIENT KILL': {
    weight: 3,
    of: 'redis',
    run: async (chaos) => redis(chaos, `CLIENT KILL TYPE ${pick(chaos, ['normal', 'pubsub'])}`),
  },
  'PostgreSQL restarts': {
    weight: 2,
    of: 'postgres',
    run: (chaos) => chaos.installation.postgres.crash(between(chaos, 0, 1000)),
  },
  'PostgreSQL drops its connections': {
    weight: 4,
    of: 'postgres',
    async run(chaos) {
      const sql = postgres(chaos.installation.postgres.url, { max: 1, onnotice: () => {} });
      const share = between(chaos, 0.2, 1);
      await sql`
        select pg_terminate_backend(pid) from pg_stat_activity
        where pid <> pg_backend_pid() and backend_type = 'client backend' and random() < ${share}`.catch(() => {});
      await sql.end({ timeout: 1 }).catch(() => {});
    },
  },
  'sockets are reset': {
    weight: 8,
    of: 'network',
    run: async (chaos) => pick(chaos, chaos.subscribers).wire.reset(),
  },
  'sockets are left half open': {
    weight: 4,
    of: 'network',
    run: async (chaos) => pick(chaos, chaos.subscribers).wire.leaveHalfOpen(),
  },
  'packets of sockets are dropped': {
    weight: 4,
    of: 'packets',
    async run(chaos) {
      for (const connection of pick(chaos, chaos.subscribers).wire.connections()) await chaos.packets?.drop(connection);
    },
  },
  'packets between a replica and PostgreSQL are dropped': {
    weight: 2,
    of: 'packets',
    run: (chaos) => cutOff(chaos, chaos.installation.postgres.url),
  },
  'packets between a replica and Redis are dropped': {
    weight: 2,
    of: 'packets',
    needsRedis: true,
    run: (chaos) => cutOff(chaos, chaos.installation.redis?.url),
  },
  'a subscriber is away': {
    weight: 6,
    of: 'network',
    async run(chaos) {
      const subscriber = pick(chaos, chaos.subscribers);
      subscriber.leave();
      await sleep(between(chaos, 100, 6000));
      subscriber.join();
    },
  },
};

const isPossible = ({ installation, packets }: Chaos, { of, needsRedis = of === 'redis' }: FaultKind): boolean =>
  (installation.redis !== null || !needsRedis) && (packets !== null || of !== 'packets');

/** Lets `count` faults happen at random, several at a time, and resolves to how often each did when all are over. */
export async function causeFaults(chaos: Chaos, count: number): Promise<Map<string, number>> {
  const bag = Object.entries(faults)
    .filter(([, fault]) => isPossible(chaos, fault))
    .flatMap(([name, fault]) => Array.from({ length: fault.weight }, () => [name, fault] as const));
  const happened = new Map<string, number>();
  const busy = new Map<FaultKind['of'], Promise<void>>();
  const running: Promise<void>[] = [];
  for (let number = 0; number < count; number++) {
    const [name, fault] = pick(chaos, bag);
    await busy.get(fault.of);
    happened.set(name, (happened.get(name) ?? 0) + 1);
    const over = fault.run(chaos);
    over.catch(() => {});
    // Of the network's there may be any number at a time.
    if (fault.of === 'network') running.push(over);
    else busy.set(fault.of, over);
    await sleep(between(chaos, 20, 400));
  }
  await Promise.all([...busy.values(), ...running]);
  return happened;
}
