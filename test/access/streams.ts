import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { rest } from '../harness.ts';

/** When each stream of a credential ended, by `performance.now()`. */
export interface Streams {
  closed(): Promise<Record<'socket' | 'restEvents' | 'trpcEvents', number>>;
  socketCode(): number | null;
  /** What each stream of events said last: the code in its error, null for none. */
  eventCodes(): Record<'restEvents' | 'trpcEvents', string | null>;
  /** Whether a new socket, by `connectionParams`, and new streams are let in. */
  reopens(): Promise<boolean[]>;
}

/** One subscription of each kind on orders, all begun. */
export async function openStreams(url: string, token: string): Promise<Streams> {
  const headers = { authorization: `Bearer ${token}`, accept: 'text/event-stream' };
  const restUrl = `${url}/api/v1/orders/events`;
  const trpcUrl = `${url}/trpc/orders.updates?input=${encodeURIComponent(JSON.stringify({ json: {} }))}`;
  const [socket, restEvents, trpcEvents] = await Promise.all([
    openSocket(url, token),
    openEvents(restUrl, headers),
    openEvents(trpcUrl, headers),
  ]);
  return {
    closed: async () => ({
      socket: await socket.closed,
      restEvents: await restEvents.ended,
      trpcEvents: await trpcEvents.ended,
    }),
    socketCode: socket.code,
    eventCodes: () => ({ restEvents: restEvents.code(), trpcEvents: trpcEvents.code() }),
    reopens: () =>
      Promise.all([
        openSocketByParams(url, token),
        fetch(restUrl, { headers }).then(isLetIn),
        fetch(trpcUrl, { headers }).then(isLetIn),
      ]),
  };
}

/** When the first call was refused. */
export async function untilRefused(url: string, token: string): Promise<number> {
  for (;;) {
    const { status } = await rest(url, { path: '/orders?limit=1', token });
    if (status === 401 || status === 403) return performance.now();
    await sleep(20);
  }
}

const subscribe = JSON.stringify({
  id: 1,
  method: 'subscription',
  params: { path: 'orders.updates', input: { json: {} } },
});

const hasBegun = (message: Buffer): boolean => message.includes('"started"');

async function openSocket(url: string, token: string) {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/ws`, { headers: { authorization: `Bearer ${token}` } });
  let code: number | null = null;
  const closed = new Promise<number>((resolve) =>
    socket.once('close', (given) => {
      code = given;
      resolve(performance.now());
    }),
  );
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.once('open', () => socket.send(subscribe));
    socket.on('message', (data: Buffer) => hasBegun(data) && resolve());
  });
  return { closed, code: () => code };
}

/** Whether a socket that signs in by its first message gets its subscription. */
async function openSocketByParams(url: string, token: string): Promise<boolean> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/ws?connectionParams=1`);
  const begun = await new Promise<boolean>((resolve) => {
    socket.once('close', () => resolve(false));
    socket.once('open', () => {
      socket.send(JSON.stringify({ method: 'connectionParams', data: { token } }));
      socket.send(subscribe);
    });
    socket.on('message', (data: Buffer) => hasBegun(data) && resolve(true));
  });
  socket.terminate();
  return begun;
}

interface Events {
  /** Resolves to when the stream ended. */
  readonly ended: Promise<number>;
  readonly code: () => string | null;
}

/** Resolves once the stream has begun. */
async function openEvents(url: string, headers: Record<string, string>): Promise<Events> {
  const response = await fetch(url, { headers });
  const reader = response.body?.getReader();
  if (response.status !== 200 || !reader) throw new Error(`the stream answered ${response.status}`);
  await reader.read();
  let text = '';
  const ended = (async () => {
    try {
      for (let read = await reader.read(); !read.done; read = await reader.read())
        text += Buffer.from(read.value).toString();
    } catch {
      // A stream that breaks has ended too.
    }
    return performance.now();
  })();
  return { ended, code: () => /^event: (?:serialized-)?error\ndata: .*"code":"([A-Z_]+)"/m.exec(text)?.[1] ?? null };
}

async function isLetIn(response: Response): Promise<boolean> {
  const { body, status } = response;
  if (status !== 200) {
    await body?.cancel();
    return false;
  }
  const text = new TextDecoder().decode((await body?.getReader().read())?.value);
  return !text.includes('UNAUTHENTICATED') && !text.includes('TENANT_SUSPENDED');
}
