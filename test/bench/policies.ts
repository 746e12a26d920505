import { rest, type Session } from '../harness.ts';
import { olympus, type Served } from '../processes.ts';
import type { LoadFigures } from './load.ts';
import { cpuSeconds, load, median } from './measure.ts';
import { servePeer } from './peer.ts';

const connections = 64;
const rounds = 6;
const seconds = 4;
/** Until the compiler has come to all of the way of a call. */
const warmUpSeconds = 8;

export interface PolicyResult {
  readonly call: string;
  readonly name: string;
  readonly perSecond: number;
  /** To the same call with no policy, measured right before or after. */
  readonly ratio: number;
  readonly p99: number;
  /** Microseconds of the server's processor time for a call. */
  readonly cpu: number;
  readonly errors: number;
}

interface Contestant {
  readonly name: string;
  readonly server: Served;
}
type Run = LoadFigures & { readonly cpu: number };

/**
 * What all policies cost together: the same calls of Olympus as it is, every call logged, and of its own adapter and handlers
 * with no policy between, in turn and in turned order, so that the machine's moods fall on both.
 */
export async function comparePolicies(options: {
  databaseUrl: string;
  owner: Session;
  /** Rate limits that count every call and refuse none. */
  limits: Readonly<Record<string, string>>;
}): Promise<PolicyResult[]> {
  const { databaseUrl, owner, limits } = options;
  const token = owner.accessToken;
  const redis = process.env['TEST_REDIS_URL'];
  const env = { ...limits, DATABASE_URL: databaseUrl, LOG_LEVEL: 'info' };
  const contestants: Contestant[] = [];
  try {
    const peer = { PEER_DATABASE_URL: databaseUrl, PEER_TENANT_ID: tenantOf(token), PEER_KEY: 'benchmark' };
    const none = await servePeer('no-policies', peer, 'server');
    contestants.push({ name: 'none', server: none });
    contestants.push({ name: 'all, limits counted in memory', server: await olympus(env) });
    if (redis) {
      const prefix = `olympus-bench-${process.pid}:`;
      const server = await olympus({ ...env, REDIS_URL: redis, REDIS_PREFIX: prefix });
      contestants.push({ name: 'all, limits counted in Redis', server });
    }
    const { body } = await rest<{ items: { id: string }[] }>(contestants[1]!.server.url, { path: '/orders', token });
    const results: PolicyResult[] = [];
    for (const [call, path] of [
      ['a list of 20 orders', '/orders?limit=20'],
      ['one order with its items', `/orders/${body.items[0]?.id}`],
    ] as const)
      results.push(...(await compare(contestants, { call, path, token })));
    return results;
  } finally {
    for (const { server } of contestants) await server.stop();
  }
}

async function compare(
  contestants: readonly Contestant[],
  { call, path, token }: { call: string; path: string; token: string },
): Promise<PolicyResult[]> {
  const runs = new Map<Contestant, Run[]>(contestants.map((contestant) => [contestant, []]));
  for (const contestant of contestants) await measure(contestant, { path, token, seconds: warmUpSeconds });
  for (let round = 0; round < rounds; round++)
    for (const contestant of round % 2 === 0 ? contestants : contestants.toReversed())
      runs.get(contestant)?.push(await measure(contestant, { path, token, seconds }));
  const base = runs.get(contestants[0]!) ?? [];
  return [...runs].map(([{ name }, own]) => ({
    call,
    name,
    perSecond: median(own.map(({ perSecond }) => perSecond)),
    ratio: median(own.map(({ perSecond }, round) => perSecond / (base[round]?.perSecond ?? Number.NaN))),
    p99: median(own.map(({ p99 }) => p99)),
    cpu: median(own.map(({ cpu }) => cpu)),
    errors: own.reduce((sum, { errors, failures }) => sum + errors + failures, 0),
  }));
}

async function measure(
  { server }: Contestant,
  { path, token, seconds: time }: { path: string; token: string; seconds: number },
): Promise<Run> {
  const url = `${server.url}/api/v1${path}`;
  const before = await cpuSeconds(server.process.pid);
  const figures = await load({ url, headers: { authorization: `Bearer ${token}` }, connections, seconds: time });
  const after = await cpuSeconds(server.process.pid);
  return { ...figures, cpu: ((after - before) * 1e6) / figures.total };
}

const tenantOf = (token: string): string =>
  (JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { tid: string }).tid;
