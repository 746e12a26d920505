import { SignJWT } from 'jose';
import type { Session } from '../harness.ts';
import type { Served } from '../processes.ts';
import { load, median, residentMb } from './measure.ts';
import { servePeer } from './peer.ts';
import type { LoadFigures } from './load.ts';

const connections = 64;
const rounds = 3;
const seconds = 5;

interface Contestant {
  readonly name: string;
  readonly url: string;
  readonly token: string;
  readonly server: Served;
  readonly runs: LoadFigures[];
}
export interface ListResult {
  readonly name: string;
  readonly perSecond: number;
  readonly ratio: number;
  readonly p99: number;
  readonly errors: number;
  readonly memoryMb: number;
}

/** Lists of 20 orders from the same tables: every peer and Olympus in turn, so that the machine's moods fall on all. */
export async function compareLists(options: {
  databaseUrl: string;
  olympus: Served;
  owner: Session;
}): Promise<ListResult[]> {
  const { databaseUrl, olympus, owner } = options;
  const key = 'benchmark-key-of-thirty-two-byte';
  const tenantId = (
    JSON.parse(Buffer.from(owner.accessToken.split('.')[1] ?? '', 'base64url').toString()) as { tid: string }
  ).tid;
  const token = await new SignJWT({ tid: tenantId })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(owner.user.id)
    .setExpirationTime('2h')
    .sign(new TextEncoder().encode(key));
  const input = encodeURIComponent(JSON.stringify({ json: { limit: 20 } }));

  const peers: [string, string, string][] = [
    ['express + tRPC + superjson + drizzle', 'trpc-express', `/trpc/orders.list?input=${input}`],
    ['oRPC', 'orpc', `/rpc/orders/list?data=${input}`],
    ['Fastify', 'fastify', '/orders'],
    ['raw node:http', 'raw-http', '/'],
  ];
  const contestants: Contestant[] = [];
  for (const [name, file, path] of peers) {
    const env = { PEER_DATABASE_URL: databaseUrl, PEER_TENANT_ID: tenantId, PEER_KEY: key };
    const server = await servePeer(file, env);
    contestants.push({ name, url: server.url + path, token, server, runs: [] });
  }
  const mine = { token: owner.accessToken, server: olympus };
  contestants.push({ ...mine, name: 'Olympus, tRPC', url: `${olympus.url}/trpc/orders.list?input=${input}`, runs: [] });
  contestants.push({ ...mine, name: 'Olympus, REST', url: `${olympus.url}/api/v1/orders?limit=20`, runs: [] });

  for (const contestant of contestants) await measure(contestant, 2);
  for (let round = 0; round < rounds; round++)
    for (const contestant of contestants) contestant.runs.push(await measure(contestant, seconds));
  const results = [];
  const base = median(contestants[0]?.runs.map((run) => run.perSecond) ?? []);
  for (const { name, runs, server } of contestants) {
    const perSecond = median(runs.map((run) => run.perSecond));
    results.push({
      name,
      perSecond,
      ratio: perSecond / base,
      p99: median(runs.map((run) => run.p99)),
      errors: runs.reduce((sum, run) => sum + run.errors + run.failures, 0),
      memoryMb: await residentMb(server.process.pid),
    });
  }
  for (const { server } of contestants) if (server !== olympus) await server.stop();
  return results;
}

const measure = ({ url, token }: Contestant, time: number) =>
  load({ url, headers: { authorization: `Bearer ${token}` }, connections, seconds: time });
