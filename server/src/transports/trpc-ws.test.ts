import type { RouterOf } from '@olympus/contracts';
import { createTRPCClient, createWSClient, TRPCClientError, wsLink, type WebSocketClientOptions } from '@trpc/client';
import superjson from 'superjson';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { aDate, idOf, startTrpc, tokenOf, until, type NoteContracts, type TestServer } from './trpc-testing.ts';

type Router = RouterOf<NoteContracts>;
let server: TestServer;
beforeAll(async () => {
  server = await startTrpc();
});
afterAll(() => server.close());

const clients: { close(): unknown }[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

function clientOf(options: Partial<WebSocketClientOptions> = {}) {
  const client = createWSClient({
    url: server.wsUrl,
    WebSocket: WebSocket as unknown as NonNullable<WebSocketClientOptions['WebSocket']>,
    connectionParams: { token: tokenOf('owner') },
    retryDelayMs: () => 20,
    ...options,
  });
  clients.push(client);
  return { api: createTRPCClient<Router>({ links: [wsLink<Router>({ client, transformer: superjson })] }), client };
}

async function errorOf(call: Promise<unknown>): Promise<TRPCClientError<Router>> {
  const error = await call.then(
    () => null,
    (cause: unknown) => cause,
  );
  if (!(error instanceof TRPCClientError)) throw new Error(`expected a TRPCClientError, not ${String(error)}`);
  return error as TRPCClientError<Router>;
}
/** Breaks the connection, as networks do. */
function lose(client: ReturnType<typeof createWSClient>): void {
  if (!client.connection) throw new Error('there is no connection to lose');
  (client.connection.ws as unknown as WebSocket).terminate();
}
type FeedItem = { id: string; data: { number: number; at: Date } };

describe('stock wsLink', () => {
  it('carries queries, mutations and dates', async () => {
    const { api } = clientOf();
    const [pong, page, written] = await Promise.all([
      api.ping.query(),
      api.notes.list.query({ limit: 3, before: aDate }),
      api.notes.write.mutate({ text: 'hello ☕', writtenAt: new Date(7) }),
    ]);
    expect(pong).toBe('pong');
    expect(page.items.map(({ readAt }) => readAt)).toEqual([null, aDate, null]);
    expect(written).toMatchObject({ text: 'hello ☕', writtenAt: new Date(7) });
    expect(server.seen.invocations.at(-1)?.caller.protocol).toBe('trpc-ws');
  });

  it('tells failures in the shape that they have over HTTP', async () => {
    const { api } = clientOf();
    const declared = await errorOf(api.notes.get.query({ id: 'none' }));
    expect(declared.data).toMatchObject({
      code: 'NOT_FOUND',
      httpStatus: 404,
      path: 'notes.get',
      failure: { code: 'PRODUCT_NOT_FOUND', data: { id: 'none' }, detail: 'No such product', errors: [] },
    });
    expect((await errorOf(api.notes.write.mutate({ text: '' }))).data?.failure.errors).toMatchObject([
      { field: 'text' },
    ]);
    const unexpected = await errorOf(api.notes.explode.query());
    expect(unexpected.data?.failure).toMatchObject({ code: 'INTERNAL', status: 500, data: null });
    expect(JSON.stringify(unexpected.shape)).not.toMatch(/password|stack/);
    const ids = [declared, unexpected].map((error) => error.data?.failure.requestId);
    expect(new Set(ids).size).toBe(2);
  });

  it('says that a procedure, or its kind, is not there', async () => {
    const { api } = clientOf();
    const untyped = api as unknown as {
      no: { such: { query(): Promise<unknown> } };
      ping: { mutate(): Promise<unknown> };
    };
    expect((await errorOf(untyped.no.such.query())).data?.failure.code).toBe('NOT_FOUND');
    expect((await errorOf(untyped.ping.mutate())).data?.failure.code).toBe('NOT_FOUND');
  });

  it('follows tracked events and resumes them', async () => {
    const { api } = clientOf();
    const items: FeedItem[] = [];
    await new Promise<void>((resolve, reject) => {
      api.notes.feed.subscribe(
        { lastEventId: '40', count: 2 },
        { onData: (item) => items.push(item as FeedItem), onComplete: resolve, onError: reject },
      );
    });
    expect(items.map(({ id, data }) => [id, data.number, data.at])).toEqual([
      ['41', 41, aDate],
      ['42', 42, aDate],
    ]);
  });

  it('follows plain items and is told of their failure', async () => {
    const { api } = clientOf();
    const items: number[] = [];
    const error = await new Promise<unknown>((resolve) => {
      api.notes.count.subscribe(
        { to: 2, failWith: 'failure' },
        { onData: (item) => items.push(item), onError: resolve },
      );
    });
    expect(items).toEqual([1, 2]);
    expect((error as TRPCClientError<Router>).data?.failure).toMatchObject({
      code: 'UNAVAILABLE',
      data: { retryAfter: 7 },
    });
  });

  it('stops what its subscriber stops, and keeps nothing of it', async () => {
    const { api } = clientOf();
    const subscription = api.notes.feed.subscribe({ stay: true }, { onData: () => undefined });
    await until(() => server.seen.following === 1, 'it is followed');
    subscription.unsubscribe();
    await until(() => server.seen.following === 0, 'it is stopped');
    expect(await api.ping.query()).toBe('pong');
  });

  it('ends what runs on a socket that closes', async () => {
    server.seen.aborted.length = 0;
    const { api, client } = clientOf();
    api.notes.feed.subscribe({ stay: true }, { onData: () => undefined });
    const call = api.notes.slow.query({ ms: 3_000 });
    call.catch(() => undefined);
    await until(() => server.seen.following === 1, 'it is followed');
    lose(client);
    await until(() => server.seen.aborted.length >= 2, 'both are stopped');
    expect(server.seen.aborted).toContain('notes.slow');
    expect(server.seen.aborted).toContain('notes.feed');
  });

  it('goes on after the last event when its socket is lost', async () => {
    const { api, client } = clientOf();
    const ids: string[] = [];
    const subscription = api.notes.feed.subscribe(
      { count: 2, stay: true },
      { onData: (item) => ids.push((item as FeedItem).id) },
    );
    await until(() => ids.length === 2, 'the first events come');
    lose(client);
    await until(() => ids.length === 4, 'the stream goes on');
    expect(ids).toEqual(['1', '2', '3', '4']);
    subscription.unsubscribe();
  });

  it('sends what it is told to at the start and asks strangers for a credential', async () => {
    const { api } = clientOf({ connectionParams: null as never });
    expect(await api.ping.query()).toBe('pong');
    expect((await errorOf(api.notes.list.query({}))).data?.failure.code).toBe('UNAUTHENTICATED');
  });

  it('answers 500 calls of one moment in several messages', async () => {
    const { api } = clientOf();
    const errors: unknown[] = [];
    for (let round = 0; round < 4; round++) {
      const calls = Array.from({ length: 120 }, () => api.ping.query().catch((cause: unknown) => errors.push(cause)));
      await Promise.all(calls);
    }
    expect(errors).toEqual([]);
  });

  it('is kept alive by the client’s own pings', async () => {
    const { api, client } = clientOf({ keepAlive: { enabled: true, intervalMs: 30, pongTimeoutMs: 200 } });
    await api.ping.query();
    const { ws } = client.connection ?? {};
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(client.connection?.ws).toBe(ws);
  });

  it('moves to another socket when the server drains, without losing a call or an event', async () => {
    const own = await startTrpc({ limits: { drainMs: 6_000 } });
    const next = await startTrpc();
    const urls = [own.wsUrl, next.wsUrl];
    const { api } = clientOf({ url: () => urls.shift() ?? next.wsUrl });
    const ids: string[] = [];
    api.notes.feed.subscribe({ count: 2, stay: true }, { onData: (item) => ids.push((item as FeedItem).id) });
    await until(() => ids.length === 2, 'the first events come');
    const slow = api.notes.slow.query({ ms: 300, bytes: 3 });
    await until(() => own.seen.invocations.length === 2, 'the call has arrived');
    await own.ws.drain();
    expect(await slow).toBe('xxx');
    expect(own.ws.open).toBe(0);
    await until(() => ids.length === 4, 'the stream goes on elsewhere');
    expect(next.seen.invocations[0]?.input).toMatchObject({ lastEventId: '2' });
    await Promise.all([own.close(), next.close()]);
  });
});

describe('a call', () => {
  /** Sends messages on a bare socket and collects the answers. */
  async function open(headers: Record<string, string> = { authorization: `Bearer ${tokenOf('owner')}` }) {
    const socket = new WebSocket(server.wsUrl, { headers });
    clients.push({ close: () => socket.terminate() });
    const answers: Record<string, unknown>[] = [];
    socket.on('message', (data: Buffer) => answers.push(JSON.parse(data.toString()) as Record<string, unknown>));
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    return { socket, answers, send: (message: unknown) => socket.send(JSON.stringify(message)) };
  }

  it('is signed in by the header of the handshake', async () => {
    const { answers, send } = await open();
    send({ id: 'a', jsonrpc: '2.0', method: 'query', params: { path: 'notes.get', input: { json: { id: idOf(3) } } } });
    await until(() => answers.length === 1, 'it is answered');
    expect(answers[0]).toMatchObject({
      id: 'a',
      jsonrpc: '2.0',
      result: {
        type: 'data',
        data: {
          json: { id: idOf(3), writtenAt: aDate.toISOString() },
          meta: { values: { writtenAt: ['Date'] }, v: 1 },
        },
      },
    });
  });

  it('may name itself and carry a key', async () => {
    const { answers, send } = await open({ authorization: `Bearer ${tokenOf('owner')}`, 'x-request-id': 'socket-1' });
    const path = 'notes.write';
    send({
      id: 1,
      method: 'mutation',
      params: { path, input: { json: { text: '' } }, idempotencyKey: 'key-1', requestId: 'mine' },
    });
    send({ id: 2, method: 'mutation', params: { path, input: { json: { text: '' } } } });
    await until(() => answers.length === 2, 'both are answered');
    const ids = server.seen.invocations
      .slice(-2)
      .map(({ caller, idempotencyKey }) => [caller.requestId, idempotencyKey]);
    expect(ids).toEqual([
      ['mine', 'key-1'],
      ['socket-1.1', null],
    ]);
    expect(JSON.stringify(answers[0])).toContain('"requestId":"mine"');
  });

  it('can be stopped by its id', async () => {
    server.seen.aborted.length = 0;
    const { answers, send } = await open();
    send({ id: 1, method: 'query', params: { path: 'notes.slow', input: { json: { ms: 3_000 } } } });
    await until(() => server.seen.invocations.at(-1)?.procedure.path === 'notes.slow', 'it runs');
    send({ id: 1, method: 'subscription.stop' });
    await until(() => answers.length === 1, 'it is answered');
    expect(server.seen.aborted).toEqual(['notes.slow']);
  });

  it('can be made before a subscription’s event when that is slow', async () => {
    const { answers, send } = await open();
    send([
      { id: 1, method: 'subscription', params: { path: 'notes.feed', input: { json: { count: 1, stay: true } } } },
      { id: 2, method: 'query', params: { path: 'ping' } },
      { id: 1, method: 'query', params: { path: 'ping' } },
    ]);
    await until(() => answers.length === 4, 'all are answered');
    const types = answers.map(({ id, result, error }) => [
      id,
      (result as { type?: string } | undefined)?.type ?? (error && 'error'),
    ]);
    expect(types).toContainEqual([1, 'started']);
    expect(types).toContainEqual([2, 'data']);
    expect(JSON.stringify(answers.find(({ error }) => error))).toMatch(
      /id: is the id of a call that is still under way/,
    );
    send({ id: 1, method: 'subscription.stop' });
    await until(() => answers.length === 5, 'it is stopped');
    expect(answers[4]).toEqual({ id: 1, result: { type: 'stopped' } });
    send({ id: 1, method: 'query', params: { path: 'ping' } });
    await until(() => answers.length === 6, 'the id is free again');
    expect(answers[5]).toEqual({ id: 1, result: { type: 'data', data: { json: 'pong' } } });
  });
});
