import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { startTrpc, tokenOf, until, type TestOptions, type TestServer } from './trpc-testing.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTrpc();
});
const sockets: WebSocket[] = [];
const servers: TestServer[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.terminate();
  await Promise.all(servers.splice(0).map((each) => each.close()));
});
afterAll(() => server.close());

async function own(options: TestOptions): Promise<TestServer> {
  const started = await startTrpc(options);
  servers.push(started);
  return started;
}
const bearer = { authorization: `Bearer ${tokenOf('owner')}` };

interface Opened {
  readonly socket: WebSocket;
  // The tests say themselves what they expect of an answer.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly answers: any[];
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly send: (message: unknown) => void;
}
async function open(target: TestServer = server, headers: Record<string, string> = bearer): Promise<Opened> {
  const socket = new WebSocket(target.wsUrl, { headers });
  sockets.push(socket);
  socket.on('error', () => undefined);
  const answers: unknown[] = [];
  socket.on('message', (data: Buffer) => {
    const text = data.toString();
    answers.push(text.startsWith('{') ? JSON.parse(text) : text);
  });
  const closed = once(socket, 'close').then(([code, reason]) => ({ code: Number(code), reason: String(reason) }));
  await once(socket, 'open');
  return { socket, answers, closed, send: (message) => socket.send(JSON.stringify(message)) };
}
const subscribe = (id: number, input: object = { stay: true, count: 0 }) => ({
  id,
  method: 'subscription',
  params: { path: 'notes.feed', input: { json: input } },
});
const ping = (id: unknown) => ({ id, method: 'query', params: { path: 'ping' } });

/** The connection below a socket, to send what no client would. */
// oxlint-disable-next-line no-underscore-dangle
const rawOf = (socket: WebSocket) => (socket as unknown as { _socket: { write(bytes: Buffer): void } })._socket;

/** The bytes that a server holds for a client. */
function heldFor({ http }: TestServer, socket: WebSocket): number {
  // oxlint-disable-next-line no-underscore-dangle
  const { localPort } = (socket as unknown as { _socket: Socket })._socket;
  return [...http].find(({ remotePort }) => remotePort === localPort)?.writableLength ?? 0;
}

/** The status of an upgrade that is refused. */
async function refusal(
  target: TestServer,
  path: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: string }> {
  const request = httpRequest({
    port: target.port,
    path,
    headers: {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      ...headers,
    },
  });
  request.end();
  const status = new Promise<{ status: number; body: string }>((resolve, reject) => {
    request.on('upgrade', (_, socket) => {
      socket.destroy();
      resolve({ status: 101, body: '' });
    });
    request.on('response', (response) => {
      let body = '';
      response.on('data', (chunk) => (body += String(chunk)));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    request.on('error', reject);
  });
  return status;
}

describe('a handshake', () => {
  it.each([
    ['another path', '/elsewhere', {}, 404],
    ['a path below', '/ws/x', {}, 404],
    ['a bad token', '/ws', { authorization: 'Bearer nonsense' }, 401],
    ['another scheme', '/ws', { authorization: 'Basic eDp5' }, 401],
    ['another protocol', '/ws', { upgrade: 'h2c' }, 400],
    ['a bad key', '/ws', { 'sec-websocket-key': 'x' }, 400],
  ])('with %s is answered as plain HTTP', async (_, path, headers, status) => {
    expect((await refusal(server, path, headers as Record<string, string>)).status).toBe(status);
  });

  it('says why in the shape of a failure', async () => {
    const { body } = await refusal(server, '/ws', { authorization: 'Bearer nonsense', 'x-request-id': 'mine' });
    expect(JSON.parse(body)).toMatchObject({ error: { code: 'UNAUTHENTICATED', status: 401, requestId: 'mine' } });
  });

  it('is refused while the server drains', async () => {
    const strict = await own({ limits: { drainMs: 10 } });
    await strict.ws.drain();
    expect((await refusal(strict, '/ws')).status).toBe(503);
  });

  it('survives sockets that break at every moment', async () => {
    for (const text of [
      'GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\xff\xff\xff',
      'GET /other HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\xff\xff\xff',
      'GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\xff',
    ]) {
      const socket = connect(server.port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.write(Buffer.from(text, 'latin1'));
      await sleep(20);
      socket.resetAndDestroy();
    }
    const { answers, send } = await open();
    send(ping(1));
    await until(() => answers.length === 1, 'others are served');
    expect(answers[0].result.data.json).toBe('pong');
  });
});

describe('credentials of a socket', () => {
  it('must come in time', async () => {
    const strict = await own({ limits: { authDeadlineMs: 150, sweepMs: 20 } });
    const { answers, closed, send } = await open(strict, {});
    send(ping(1));
    expect(await closed).toEqual({ code: 4401, reason: 'No credential within 150 ms' });
    expect(answers[0]).toEqual({ id: 1, result: { type: 'data', data: { json: 'pong' } } });
    expect(answers[1]).toMatchObject({ id: null, error: { json: { data: { failure: { code: 'UNAUTHENTICATED' } } } } });
  });

  it('must come in time, but not before a call has its answer, unless that takes as long again', async () => {
    const strict = await own({ limits: { authDeadlineMs: 300, sweepMs: 20 } });
    const wait = (id: number, ms: number) => ({
      id,
      method: 'query',
      params: { path: 'wait', input: { json: { ms } } },
    });
    const [patient, endless] = await Promise.all([open(strict, {}), open(strict, {})]);
    const start = performance.now();
    patient.send(wait(1, 400));
    endless.send(wait(1, 5_000));
    expect(await patient.closed).toEqual({ code: 4401, reason: 'No credential within 300 ms' });
    expect(patient.answers[0]).toEqual({ id: 1, result: { type: 'data', data: { json: 'waited' } } });
    expect((await endless.closed).code).toBe(4401);
    expect(performance.now() - start).toBeLessThan(3_000);
  });

  it('that came in time let it stay', async () => {
    const strict = await own({ limits: { authDeadlineMs: 150, sweepMs: 20 } });
    const { socket, send } = await open(strict, {});
    send({ method: 'connectionParams', data: { authorization: `Bearer ${tokenOf('owner')}` } });
    await sleep(400);
    expect(socket.readyState).toBe(WebSocket.OPEN);
  });

  it.each([
    ['that are wrong', { token: 'nonsense' }],
    ['that are malformed', { token: 'a b' }],
    ['of another kind', { authorization: 'Basic eDp5' }],
    ['that are no text', { token: 7 }],
    ['that are no object', [1]],
  ])('%s close it', async (_, data) => {
    const { closed, send } = await open(server, {});
    send({ method: 'connectionParams', data });
    expect((await closed).code).toBe(4401);
  });

  it('that expire close it', async () => {
    const strict = await own({ limits: { sweepMs: 20 } });
    const { closed, send } = await open(strict, { authorization: `Bearer ${tokenOf('owner', 300)}` });
    send(subscribe(1));
    await until(() => strict.seen.following === 1, 'it is followed');
    expect(await closed).toEqual({ code: 4401, reason: 'The credential has expired' });
    await until(() => strict.seen.following === 0, 'nothing is left');
  });

  it('can be renewed on the open socket', async () => {
    const strict = await own({ limits: { sweepMs: 20 } });
    const { socket, answers, send } = await open(strict, { authorization: `Bearer ${tokenOf('owner', 300)}` });
    send(subscribe(1));
    send({ id: 9, method: 'connectionParams', data: { token: tokenOf('owner', 60_000) } });
    await until(() => answers.some(({ id }) => id === 9), 'the new token is taken');
    expect(answers.find(({ id }) => id === 9)).toEqual({ id: 9, result: { type: 'data', data: { json: null } } });
    await sleep(1_400);
    expect(socket.readyState).toBe(WebSocket.OPEN);
    expect(strict.seen.following).toBe(1);
  });

  it('cannot be replaced by those of another role', async () => {
    const { closed, answers, send } = await open();
    send(subscribe(1));
    await until(() => answers.length === 1, 'it has started');
    send({ method: 'connectionParams', data: { token: tokenOf('viewer') } });
    expect((await closed).code).toBe(4401);
  });

  it('whose session ends close it', async () => {
    const token = tokenOf('owner', 400_000);
    const { closed } = await open(server, { authorization: `Bearer ${token}` });
    await sleep(50);
    server.revoke(token);
    const start = Date.now();
    expect(await closed).toEqual({ code: 4401, reason: 'The session has ended' });
    expect(Date.now() - start).toBeLessThan(1_500);
  });
});

describe('bounds of a socket', () => {
  it.each<[string, unknown, RegExp]>([
    ['no JSON', '{', /valid JSON/],
    ['a binary message', Buffer.from('{"id":1}'), /text message/],
    ['no object', '7', /must be a tRPC message/],
    ['null', 'null', /must be a tRPC message/],
    ['no id', '{"method":"query","params":{"path":"ping"}}', /id: must be a number/],
    ['a long id', JSON.stringify(ping('x'.repeat(101))), /id: must be a number/],
    ['no method', '{"id":1,"params":{"path":"ping"}}', /method: must be query/],
    ['no params', '{"id":1,"method":"query"}', /params: must be an object/],
    ['no path', '{"id":1,"method":"query","params":{}}', /params.path/],
    [
      'a key that is no text',
      '{"id":1,"method":"query","params":{"path":"ping","idempotencyKey":7}}',
      /params.idempotencyKey/,
    ],
    ['bare JSON as input', '{"id":1,"method":"query","params":{"path":"ping","input":{}}}', /superjson value/],
    ['a prototype', '{"id":1,"method":"query","params":{"path":"ping","input":{"json":{"__proto__":1}}}}', /__proto__/],
  ])('a message with %s is answered by what is wrong', async (_, message, detail) => {
    const { socket, answers, send } = await open();
    socket.send(message as string);
    await until(() => answers.length === 1, 'it is answered');
    expect(answers[0].error.json.data).toMatchObject({ code: 'BAD_REQUEST', failure: { code: 'INVALID_INPUT' } });
    expect(answers[0].error.json.message).toMatch(detail);
    send(ping(2));
    await until(() => answers.length === 2, 'the socket goes on');
  });

  it('takes 128 calls in a message and no more', async () => {
    const { answers, send } = await open();
    send(Array.from({ length: 128 }, (_, id) => ping(id)));
    await until(() => answers.length === 128, 'all are answered');
    expect(answers.every(({ result }) => result)).toBe(true);
    send(Array.from({ length: 129 }, (_, id) => ping(id)));
    await until(() => answers.length === 257, 'all are refused');
    expect(answers.slice(128).every(({ error }) => /at most 128 calls, not 129/.test(error?.json.message))).toBe(true);
  });

  it('is closed for 20,000 calls in a message', async () => {
    const { closed, send } = await open();
    const before = server.seen.invocations.length;
    send(Array.from({ length: 20_000 }, (_, id) => ({ id })));
    expect(await closed).toEqual({ code: 1008, reason: 'too many messages' });
    expect(server.seen.invocations).toHaveLength(before);
  });

  it.each(['PING', '[]', '{"id":1,"method":"subscription.stop"}'])('is closed for a flood of %s', async (message) => {
    const { socket, closed } = await open();
    for (let sent = 0; sent < 3_000; sent++) socket.send(message);
    expect((await closed).code).toBe(1008);
  });

  it('is closed for malformed message after malformed message', async () => {
    const { socket, closed, answers } = await open();
    for (let sent = 0; sent < 30; sent++) socket.send('{');
    expect((await closed).code).toBe(1008);
    expect(answers).toHaveLength(20);
  });

  it('is closed for a message in thousands of fragments', async () => {
    const { socket, closed } = await open();
    for (let sent = 0; sent < 2_000; sent++) socket.send('x', { fin: false });
    expect((await closed).code).toBe(1008);
  });

  it('is closed for a message of 300 KB', async () => {
    const { socket, closed } = await open();
    socket.send('x'.repeat(300_000));
    expect((await closed).code).toBe(1009);
  });

  it('is closed for a frame that breaks the protocol, and nobody else is harmed', async () => {
    const other = await open();
    const { socket, closed } = await open();
    rawOf(socket).write(Buffer.from([0xff, 0xff, 0xff, 0xff]));
    expect((await closed).code).toBe(1002);
    other.send(ping(1));
    await until(() => other.answers.length === 1, 'others are served');
  });

  it('has 128 subscriptions at most', async () => {
    const strict = await own({ limits: { socketMessagesPerSecond: 10_000 } });
    const { answers, send } = await open(strict);
    for (let id = 0; id < 129; id++) send(subscribe(id));
    await until(() => answers.length === 129, 'all are answered');
    const refused = answers.filter(({ error }) => error);
    expect(refused).toHaveLength(1);
    const failure = { code: 'TOO_MANY_STREAMS', status: 429, data: { cap: 'socket', limit: 128 } };
    expect(refused[0]).toMatchObject({ id: 128, error: { json: { data: { failure } } } });
    expect(strict.seen.following).toBe(128);
  });

  it('has 256 calls under way at most', async () => {
    const { answers, send } = await open();
    const slow = (id: number) => ({
      id,
      method: 'query',
      params: { path: 'notes.slow', input: { json: { ms: 300 } } },
    });
    for (let part = 0; part < 3; part++) send(Array.from({ length: 100 }, (_, index) => slow(part * 100 + index)));
    await until(() => answers.length === 44, 'some are refused');
    expect(answers.every(({ error }) => error.json.data.failure.code === 'RATE_LIMITED')).toBe(true);
    await until(() => answers.length === 300, 'the others are answered');
  });

  it('keeps nothing of 2,000 subscriptions that were stopped', async () => {
    const strict = await own({ limits: { socketMessagesPerSecond: 100_000 } });
    const { answers, send } = await open(strict);
    for (let id = 0; id < 2_000; id++) {
      send(subscribe(id));
      send({ id, method: 'subscription.stop' });
      if (id % 100 === 99)
        await until(
          () => answers.filter(({ result }) => result?.type === 'stopped').length === id + 1,
          'they are stopped',
          5_000,
        );
    }
    expect(strict.seen.following).toBe(0);
    send(subscribe(5_000));
    await until(() => strict.seen.following === 1, 'another is followed');
  });

  it('pulls nothing for a reader that is slow, and lets it go when it has stopped', async () => {
    const strict = await own({ limits: { stalledMs: 200, sweepMs: 20 } });
    const { socket, send } = await open(strict);
    socket.pause();
    send(subscribe(1, { count: 1_000_000, padding: 100_000 }));
    await until(() => strict.seen.following === 1, 'it is followed');
    await until(() => strict.seen.following === 0, 'it is let go', 5_000);
    expect(strict.seen.pulled).toBeLessThan(200);
    await until(() => strict.ws.open === 0, 'the socket is gone', 5_000);
  });

  it('goes on when a slow reader reads again', async () => {
    const strict = await own({});
    const { socket, answers, send } = await open(strict);
    socket.pause();
    send(subscribe(1, { count: 300, padding: 50_000 }));
    await sleep(200);
    const pulled = strict.seen.pulled;
    expect(pulled).toBeLessThan(300);
    socket.resume();
    await until(() => answers.at(-1)?.result?.type === 'stopped', 'all has come', 5_000);
    expect(answers).toHaveLength(302);
  });

  it('is closed when its answers are not read', async () => {
    const strict = await own({ limits: { stalledMs: 60_000, hardBufferBytes: 200_000 } });
    const { socket, send } = await open(strict);
    socket.pause();
    for (let id = 0; id < 200; id++)
      send({ id, method: 'query', params: { path: 'notes.slow', input: { json: { ms: 0, bytes: 100_000 } } } });
    await until(() => strict.ws.open === 0, 'the socket is gone', 5_000);
    expect(strict.ws.open).toBe(0);
  });

  it('costs at most 1 MiB while it is not read', async () => {
    const strict = await own({ limits: { stalledMs: 60_000 } });
    const count = 20;
    const readers = await Promise.all(Array.from({ length: count }, () => open(strict)));
    const held = () => readers.reduce((sum, { socket }) => sum + heldFor(strict, socket), 0) / 2 ** 20;
    for (const { socket, send } of readers) {
      socket.pause();
      send(subscribe(1, { count: 1_000_000, padding: 100_000 }));
    }
    await until(() => strict.seen.following === count, 'they are followed');
    let pulled = -1;
    // Until nobody is given more.
    for (; pulled !== strict.seen.pulled; await sleep(300)) pulled = strict.seen.pulled;
    expect(held()).toBeGreaterThan(0);
    expect(held()).toBeLessThanOrEqual(count);
    expect(strict.ws.open).toBe(count);
  });

  it('is not compressed, even where the client offers it', async () => {
    const socket = new WebSocket(server.wsUrl, { headers: bearer, perMessageDeflate: true });
    sockets.push(socket);
    await once(socket, 'open');
    expect(socket.extensions).toBe('');
  });

  it('lets others be served while a ready source meets a quick reader', async () => {
    const greedy = await open();
    greedy.send(subscribe(1, { count: 1_000_000, padding: 1_000 }));
    const { answers, send } = await open();
    send(ping(1));
    await until(() => answers.length === 1, 'others are served');
    expect(server.seen.following).toBe(1);
    greedy.socket.terminate();
    await until(() => server.seen.following === 0, 'it ends');
  });

  it('is ended when the other side has gone silently', async () => {
    const strict = await own({ limits: { pingMs: 60, sweepMs: 20 } });
    const { socket } = await open(strict);
    await sleep(300);
    expect(socket.readyState).toBe(WebSocket.OPEN);
    socket.pause();
    await until(() => strict.ws.open === 0, 'it is ended');
  });

  it('is closed when the server stops', async () => {
    const strict = await own({});
    const { closed } = await open(strict);
    strict.ws.close();
    expect((await closed).code).toBe(1001);
  });
});
