import { createOlympus } from '@olympus/client';
import { createTRPCUntypedClient, createWSClient, wsLink } from '@trpc/client';
import { io } from 'socket.io-client';
import { setTimeout as sleep } from 'node:timers/promises';
import superjson from 'superjson';
import { WebSocket } from 'ws';
import { registerTenant } from '../harness.ts';
import { olympus, type Served } from '../processes.ts';
import { eventWriter } from './fanout.ts';
import { servePeer } from './peer.ts';

/** What clients were given of what was written while their server was killed ten times. */
export interface Gaps {
  /** Events whose writer was told that they are written. */
  readonly written: number;
  readonly clients: number;
  /** Of all clients together: events that a client was never given, though it had been given one before. */
  readonly missed: number;
  readonly twice: number;
}

const kills = 10;
const clients = 30;
const upMs = 3_000;
const everyMs = 20;
const settleMs = 5_000;
/** For the last clients to come back and get what they missed. */
const longestMs = 60_000;

interface Scene {
  readonly start: () => Promise<Served>;
  /** Follows into a list of numbers; returns what ends it. */
  readonly follow: (take: (number: number) => void) => () => unknown;
  readonly write: (number: number) => Promise<unknown>;
}

async function underKills({ start, follow, write }: Scene, first: Served): Promise<Gaps> {
  let server = first;
  const seen = Array.from({ length: clients }, () => [] as number[]);
  const leave = seen.map((mine) => follow((number) => mine.push(number)));
  await sleep(2_000);
  const written: number[] = [];
  let writing = true;
  const work = (async () => {
    for (let number = 1; writing; number++) {
      // One whose writer is told that it failed is nobody's loss.
      await write(number).then(
        () => written.push(number),
        () => undefined,
      );
      await sleep(everyMs);
    }
  })();
  for (let kill = 0; kill < kills; kill++) {
    await sleep(upMs);
    await server.stop('SIGKILL');
    server = await start();
  }
  await sleep(settleMs);
  writing = false;
  await work;
  const last = written.at(-1) ?? 0;
  const isLate = () => seen.some((mine) => mine.at(-1) !== last);
  for (const end = performance.now() + longestMs; isLate() && performance.now() < end;) await sleep(200);
  for (const end of leave) await end();
  await server.stop('SIGKILL');
  let [missed, twice] = [0, 0];
  for (const mine of seen) {
    const had = new Set(mine);
    const from = Math.min(...mine);
    missed +=
      mine.length === 0 ? written.length : written.filter((number) => number >= from && !had.has(number)).length;
    twice += mine.length - had.size;
  }
  return { written: written.length, clients, missed, twice };
}

/** Olympus, whose events are written by another process and followed by its client. */
export async function gapsOfOlympus(env: Record<string, string>, databaseUrl: string): Promise<Gaps> {
  const first = await olympus(env);
  const { port } = new URL(first.url);
  const session = await registerTenant(first.url);
  const writer = eventWriter(databaseUrl, session.accessToken);
  const follow: Scene['follow'] = (take) => {
    const api = createOlympus({ url: first.url, session: { get: () => session, set: () => undefined }, WebSocket });
    api.orders.updates.subscribe(
      {},
      { onData: ({ data }) => (data.type === 'orders.imported' ? take(data.orders) : undefined) },
    );
    return () => api.$close();
  };
  try {
    return await underKills({ start: () => olympus({ ...env, PORT: port }), follow, write: writer.write }, first);
  } finally {
    await writer.end();
  }
}

/** A peer on a port that it keeps. */
async function peer(file: string, env: Record<string, string>) {
  const begin = (port: string) => servePeer(file, { ...env, PEER_PORT: port });
  const first = await begin('0');
  return { first, start: () => begin(new URL(first.url).port) };
}

const emit = (url: string) => async (number: number) => (await fetch(`${url}/${number}`)).arrayBuffer();

/** Socket.IO with state recovery; events are emitted by another of its servers, which is not killed. */
export async function gapsOfSocketIo(env: Record<string, string>): Promise<Gaps> {
  const { first, start } = await peer('socket-io', env);
  const other = await servePeer('socket-io', env);
  const follow: Scene['follow'] = (take) => {
    const socket = io(first.url, { transports: ['websocket'], forceNew: true });
    socket.on('order', ({ orders }: { orders: number }) => take(orders));
    return () => socket.close();
  };
  try {
    return await underKills({ start, follow, write: emit(other.url) }, first);
  } finally {
    await other.stop('SIGKILL');
  }
}

/** tRPC's own subscription, whose emitter is in the server that is killed: it has no other. */
export async function gapsOfEmitter(): Promise<Gaps> {
  const { first, start } = await peer('trpc-emitter', {});
  const follow: Scene['follow'] = (take) => {
    const client = createWSClient({ url: `${first.url.replace('http', 'ws')}/ws`, WebSocket: WebSocket as never });
    createTRPCUntypedClient({ links: [wsLink({ client, transformer: superjson })] }).subscription(
      'orders.updates',
      {},
      { onData: (item) => take((item as { data: { orders: number } }).data.orders) },
    );
    return () => client.close();
  };
  return underKills({ start, follow, write: emit(first.url) }, first);
}
