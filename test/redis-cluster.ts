import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort, startProgram, type Service } from './services.ts';

const run = promisify(execFile);
/** After which a node that says nothing is taken for dead. */
const nodeTimeoutMs = 1000;

/** A server of a cluster, which may be killed and comes back to its place. */
interface ClusterNode {
  readonly port: number;
  kill(): Promise<void>;
  start(): Promise<void>;
}

export interface RedisCluster {
  /** Of all nodes, separated by commas. */
  readonly url: string;
  readonly nodes: readonly ClusterNode[];
  /** The master that answers for a key. */
  masterOf(key: string): Promise<ClusterNode>;
  close(): Promise<void>;
}

/** A Redis Cluster of the suite's own: three masters, each with so many replicas. */
export async function startRedisCluster(replicas = 0): Promise<RedisCluster> {
  const folder = await mkdtemp(join(tmpdir(), 'olympus-cluster-'));
  const nodes = await Promise.all(Array.from({ length: 3 * (1 + replicas) }, () => startNode(folder)));
  const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`);
  await cli(['--cluster', 'create', ...addresses, '--cluster-replicas', String(replicas), '--cluster-yes']);
  await Promise.all(nodes.map(({ port }) => hasCopied(port)));
  return {
    url: addresses.map((address) => `redis://${address}`).join(','),
    nodes,
    async masterOf(key) {
      const alive = nodes.filter((node) => node.alive());
      for (const { port } of alive) {
        const slot = Number(await cli(['-p', String(port), 'cluster', 'keyslot', key]));
        const lines = (await cli(['-p', String(port), 'cluster', 'nodes'])).split('\n');
        const line = lines.find((one) => /master/.test(one) && !/fail/.test(one) && holds(one, slot));
        const [, at] = /:(\d+)@/.exec(line ?? '') ?? [];
        const node = nodes.find((one) => String(one.port) === at);
        if (node) return node;
      }
      throw new Error(`no node answers for ${key}`);
    },
    async close() {
      await Promise.all(nodes.map((node) => node.kill()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function startNode(folder: string): Promise<ClusterNode & { alive(): boolean }> {
  const [port, bus] = [await freePort(), await freePort()];
  const args = Object.entries({
    port,
    'cluster-port': bus,
    bind: '127.0.0.1',
    dir: folder,
    save: '',
    appendonly: 'no',
    'cluster-enabled': 'yes',
    'cluster-config-file': `nodes-${port}.conf`,
    'cluster-node-timeout': nodeTimeoutMs,
    'repl-diskless-sync-delay': 0,
  }).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const begin = () => startProgram('redis-server', args, port);
  let service: Service | null = await begin();
  return {
    port,
    alive: () => service !== null,
    async kill() {
      await service?.kill();
      service = null;
    },
    async start() {
      service ??= await begin();
    },
  };
}

/** A replica that has never met its master does not take its place. */
async function hasCopied(port: number): Promise<void> {
  for (
    let attempt = 0;
    /master_link_status:down/.test(await cli(['-p', String(port), 'info', 'replication']));
    attempt++
  ) {
    if (attempt > 200) throw new Error('a replica does not copy its master');
    await sleep(50);
  }
}

const cli = async (args: readonly string[]): Promise<string> =>
  (await run('redis-cli', args, { timeout: 30_000 })).stdout;

/** Whether a line of CLUSTER NODES tells of a node with this slot. */
const holds = (line: string, slot: number): boolean =>
  line
    .split(' ')
    .slice(8)
    .some((range) => {
      const [from, to = from] = range.split('-').map(Number);
      return from !== undefined && to !== undefined && slot >= from && slot <= to;
    });
