import type { ErrorShape } from '@olympus/contracts';
import {
  createTRPCClient,
  httpBatchLink,
  httpBatchStreamLink,
  httpLink,
  TRPCClientError,
  type TRPCLink,
} from '@trpc/client';
import type { RouterOf } from '@olympus/contracts';
import superjson from 'superjson';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aDate, idOf, startTrpc, tokenOf, until, type NoteContracts, type TestServer } from './trpc-testing.ts';

type Router = RouterOf<NoteContracts>;
let server: TestServer;
beforeAll(async () => {
  server = await startTrpc();
});
afterAll(() => server.close());

const headers = { authorization: `Bearer ${tokenOf('owner')}` };
interface LinkOptions {
  headers?: Record<string, string>;
  methodOverride?: 'POST';
}
type MakeLink = (options?: LinkOptions) => TRPCLink<Router>;
const links: [string, MakeLink][] = [
  ['httpLink', (options) => httpLink<Router>({ url: server.url, transformer: superjson, headers, ...options })],
  [
    'httpBatchLink',
    (options) => httpBatchLink<Router>({ url: server.url, transformer: superjson, headers, ...options }),
  ],
  [
    'httpBatchStreamLink',
    (options) => httpBatchStreamLink<Router>({ url: server.url, transformer: superjson, headers, ...options }),
  ],
];
const clientOf = (link: TRPCLink<Router>) => createTRPCClient<Router>({ links: [link] });

/** The error of a call that must fail. */
async function errorOf(call: Promise<unknown>): Promise<TRPCClientError<Router>> {
  const error = await call.then(
    () => null,
    (cause: unknown) => cause,
  );
  if (!(error instanceof TRPCClientError)) throw new Error(`expected a TRPCClientError, not ${String(error)}`);
  return error as TRPCClientError<Router>;
}

describe.each(links)('stock %s', (_, link) => {
  it('carries queries, mutations and dates', async () => {
    const client = clientOf(link());
    const [pong, page, written] = await Promise.all([
      client.ping.query(),
      client.notes.list.query({ limit: 3, before: aDate }),
      client.notes.write.mutate({ text: 'hello ☕', writtenAt: new Date(7) }),
    ]);
    expect(pong).toBe('pong');
    expect(page.items.map(({ readAt }) => readAt)).toEqual([null, aDate, null]);
    expect(page.items[0]?.writtenAt).toEqual(aDate);
    expect(written).toMatchObject({ text: 'hello ☕', writtenAt: new Date(7) });
  });

  it('lets undefined fields be absent', async () => {
    const page = await clientOf(link()).notes.list.query({ limit: undefined, before: undefined });
    expect(page.items).toHaveLength(2);
  });

  it('sends queries by POST where told so', async () => {
    expect(await clientOf(link({ methodOverride: 'POST' })).notes.get.query({ id: idOf(4) })).toMatchObject({
      text: 'found',
    });
  });

  const failures: [string, (client: ReturnType<typeof clientOf>) => Promise<unknown>, Partial<ErrorShape['data']>][] = [
    [
      'declared',
      (client) => client.notes.get.query({ id: 'none' }),
      { code: 'NOT_FOUND', httpStatus: 404, path: 'notes.get' },
    ],
    [
      'of input',
      (client) => client.notes.write.mutate({ text: '' }),
      { code: 'BAD_REQUEST', httpStatus: 400, path: 'notes.write' },
    ],
    ['unexpected', (client) => client.notes.explode.query(), { code: 'INTERNAL_SERVER_ERROR', httpStatus: 500 }],
  ];
  it.each(failures)('tells failures that are %s in one shape', async (_, call, data) => {
    const error = await errorOf(call(clientOf(link({ headers: { ...headers, 'x-request-id': 'req-1' } }))));
    expect(error.data).toMatchObject(data);
    expect(error.data?.failure).toMatchObject({ status: data.httpStatus, requestId: 'req-1' });
    expect(error.data).not.toHaveProperty('stack');
    expect(JSON.stringify(error.shape)).not.toMatch(/password|secrets|at .*\.ts/);
  });

  it('gives data, issues and the request id with a failure', async () => {
    const client = clientOf(link({ headers: { ...headers, 'x-request-id': 'req-2' } }));
    expect((await errorOf(client.notes.get.query({ id: 'none' }))).data?.failure).toEqual({
      code: 'PRODUCT_NOT_FOUND',
      status: 404,
      title: 'No such product',
      detail: 'No such product',
      data: { id: 'none' },
      errors: [],
      requestId: 'req-2',
    });
    const { data, errors } = (await errorOf(client.notes.list.query({ limit: 0 }))).data?.failure ?? {};
    expect(errors).toMatchObject([{ field: 'limit', code: 'too_small' }]);
    expect(data).toEqual({ issues: errors });
    expect((await errorOf(client.notes.explode.query())).data?.failure).toEqual({
      code: 'INTERNAL',
      status: 500,
      title: 'Something failed here',
      detail: 'Something failed here',
      data: null,
      errors: [],
      requestId: 'req-2',
    });
  });

  it('refuses strangers, bad tokens and those who may not', async () => {
    const codeFor = async (sent: Record<string, string>) =>
      (await errorOf(clientOf(link({ headers: sent })).notes.write.mutate({ text: 'x' }))).data?.failure.code;
    expect(await codeFor({})).toBe('UNAUTHENTICATED');
    expect(await codeFor({ authorization: 'Bearer nonsense' })).toBe('UNAUTHENTICATED');
    expect(await codeFor({ authorization: 'Basic eDp5' })).toBe('UNAUTHENTICATED');
    expect(await codeFor({ authorization: `Bearer ${tokenOf('viewer')}` })).toBe('FORBIDDEN');
  });

  it('says that a procedure is not there', async () => {
    const client = clientOf(link()) as unknown as { no: { such: { query(): Promise<unknown> } } };
    expect((await errorOf(client.no.such.query())).data).toMatchObject({
      code: 'NOT_FOUND',
      path: 'no.such',
      failure: { code: 'NOT_FOUND', status: 404 },
    });
  });

  it('passes idempotency keys in the order of the calls', async () => {
    const single = clientOf(link({ headers: { ...headers, 'idempotency-key': 'k-1' } }));
    await single.notes.write.mutate({ text: 'one' });
    expect(server.seen.invocations.at(-1)).toMatchObject({ idempotencyKey: 'k-1' });
  });

  it('ends the call when its caller leaves', async () => {
    server.seen.aborted.length = 0;
    const controller = new AbortController();
    const call = clientOf(link()).notes.slow.query({ ms: 3_000 }, { signal: controller.signal });
    await until(() => server.seen.invocations.at(-1)?.procedure.path === 'notes.slow', 'the call runs');
    controller.abort();
    await expect(call).rejects.toThrow(TRPCClientError);
    await until(() => server.seen.aborted.includes('notes.slow'), 'the handler saw it');
    expect(server.seen.aborted).toEqual(['notes.slow']);
  });
});

describe('a batch', () => {
  it('answers each call alone, with 207 where they differ', async () => {
    const response = await fetch(
      `${server.url}/ping,notes.get,notes.get?batch=1&input=${encodeURIComponent('{"1":{"json":{"id":"none"}},"2":{"json":[]}}')}`,
      { headers },
    );
    expect(response.status).toBe(207);
    const body = (await response.json()) as { error?: { json: ErrorShape }; result?: unknown }[];
    expect(body[0]).toEqual({ result: { data: { json: 'pong' } } });
    expect(body[1]?.error?.json.data.failure.code).toBe('PRODUCT_NOT_FOUND');
    expect(body[2]?.error?.json.data.failure.code).toBe('INVALID_INPUT');
  });

  it('has the status of its calls where they agree', async () => {
    const response = await fetch(`${server.url}/no,nope?batch=1`, { headers });
    expect(response.status).toBe(404);
  });

  it('gives keys to its calls one by one', async () => {
    const post = (keys: string) =>
      fetch(`${server.url}/notes.write,notes.write?batch=1`, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json', 'idempotency-key': keys },
        body: '{"0":{"json":{"text":"a"}},"1":{"json":{"text":"b"}}}',
      });
    expect((await post('k-a, k-b')).status).toBe(200);
    expect(server.seen.invocations.slice(-2).map(({ idempotencyKey }) => idempotencyKey)).toEqual(['k-a', 'k-b']);
    expect((await post('k-a')).status).toBe(400);
  });

  it('gives keys to streamed calls one by one', async () => {
    const response = await fetch(`${server.url}/notes.write,notes.write?batch=1`, {
      method: 'POST',
      headers: {
        ...headers,
        'content-type': 'application/json',
        'trpc-accept': 'application/jsonl',
        'idempotency-key': 'k-c,k-d',
      },
      body: '{"0":{"json":{"text":"a"}},"1":{"json":{"text":"b"}}}',
    });
    await response.text();
    expect(server.seen.invocations.slice(-2).map(({ idempotencyKey }) => idempotencyKey)).toEqual(['k-c', 'k-d']);
  });

  it('is answered whole when the server winds down meanwhile', async () => {
    const own = await startTrpc();
    const input = encodeURIComponent('{"0":{"json":{"ms":200,"bytes":3}}}');
    const streamed = await fetch(`${own.url}/notes.slow?batch=1&input=${input}`, {
      headers: { ...headers, 'trpc-accept': 'application/jsonl' },
    });
    own.closing.abort();
    expect(await streamed.text()).toContain('"xxx"');
    await own.close();
  });

  it('streams each answer when it is there', async () => {
    const client = clientOf(httpBatchStreamLink<Router>({ url: server.url, transformer: superjson, headers }));
    const order: string[] = [];
    await Promise.all([
      client.notes.slow.query({ ms: 150 }).then(() => order.push('slow')),
      client.ping.query().then(() => order.push('ping')),
    ]);
    expect(order).toEqual(['ping', 'slow']);
  });
});

describe('headers', () => {
  it('tell ids, limits and that the answer is private', async () => {
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    const response = await fetch(`${server.url}/ping`, {
      headers: { 'x-request-id': 'mine', traceparent: `00-${traceId}-b7ad6b7169203331-01` },
    });
    const sent = Object.fromEntries(response.headers);
    expect(sent).toMatchObject({
      'content-type': 'application/json',
      vary: 'Origin, trpc-accept, accept',
      'x-request-id': 'mine',
      'cache-control': 'private, no-store',
      ratelimit: '"read";r=199;t=1',
      'ratelimit-policy': '"read";q=200;w=1',
    });
    expect(sent['traceparent']).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`));
    expect(sent).not.toHaveProperty('retry-after');
  });

  it('tell streamed calls their request id', async () => {
    const response = await fetch(`${server.url}/ping?batch=1`, {
      headers: { 'x-request-id': 'mine', 'trpc-accept': 'application/jsonl' },
    });
    expect(response.headers.get('x-request-id')).toBe('mine');
    expect(response.headers.get('cache-control')).toBe('private, no-store');
    expect(response.headers.get('vary')).toBe('trpc-accept, accept, Origin');
    await response.text();
  });

  it('say when to come back', async () => {
    const limited = await startTrpc({ allowance: 3 });
    try {
      const first = await fetch(`${limited.url}/ping,ping?batch=1`);
      expect(first.headers.get('ratelimit')).toBe('"read";r=1;t=1');
      const second = await fetch(`${limited.url}/ping,ping?batch=1`);
      expect(second.status).toBe(207);
      expect(second.headers.get('retry-after')).toBe('1');
      const third = await fetch(`${limited.url}/ping`);
      expect(third.status).toBe(429);
      expect(((await third.json()) as { error: { json: ErrorShape } }).error.json.data.code).toBe('TOO_MANY_REQUESTS');
    } finally {
      await limited.close();
    }
  });
});

describe('bounds', () => {
  const get = (path: string, { headers: sent, ...init }: Omit<RequestInit, 'headers'> & LinkOptions = {}) =>
    fetch(`${server.url}/${path}`, { ...init, headers: { ...headers, ...sent } });
  const post = (path: string, body: string, sent: Record<string, string> = {}) =>
    get(path, { method: 'POST', body, headers: { 'content-type': 'application/json', ...sent } });
  const shapeOf = async (response: Response) => ((await response.json()) as { error: { json: ErrorShape } }).error.json;

  const refused: [string, () => Promise<Response>, number, string, RegExp][] = [
    [
      'a batch of 101 calls',
      () => get(`${'ping,'.repeat(100)}ping?batch=1`),
      400,
      'INVALID_INPUT',
      /at most 100 calls, not 101/,
    ],
    ['1,500 commas', () => get(`${','.repeat(1_500)}?batch=1`), 400, 'INVALID_INPUT', /at most 100 calls, not 1501/],
    ['20,000 calls', () => get(`${'p,'.repeat(20_000)}?batch=1`), 414, 'URI_TOO_LONG', /too long/],
    ['an address of 20 KB', () => get(`ping?input=${'x'.repeat(20_000)}`), 414, 'URI_TOO_LONG', /too long/],
    [
      'a body of 300 KB',
      () => post('notes.write', `{"json":{"text":"${'x'.repeat(300_000)}"}}`),
      413,
      'PAYLOAD_TOO_LARGE',
      /too large/,
    ],
    [
      'a streamed batch of 300 KB',
      () => post('notes.write?batch=1', 'x'.repeat(300_000), { 'trpc-accept': 'application/jsonl' }),
      413,
      'PAYLOAD_TOO_LARGE',
      /too large/,
    ],
    [
      'a streamed batch of 101 calls',
      () => get(`${'ping,'.repeat(100)}ping?batch=1`, { headers: { 'trpc-accept': 'application/jsonl' } }),
      400,
      'INVALID_INPUT',
      /at most 100/,
    ],
    ['broken JSON in the query', () => get('notes.list?input=%7B'), 400, 'INVALID_INPUT', /input: must be valid JSON/],
    ['broken JSON in the body', () => post('notes.write', '{'), 400, 'INVALID_INPUT', /body: must be valid JSON/],
    [
      'inputs of a batch that are a list',
      () => post('notes.write?batch=1', '[]'),
      400,
      'INVALID_INPUT',
      /input: must be an object/,
    ],
    [
      'nesting of 20,000',
      () => post('notes.write', `{"json":${'['.repeat(20_000)}${']'.repeat(20_000)}}`),
      400,
      'INVALID_INPUT',
      /deeper than 32/,
    ],
    [
      'a key that reaches the prototype',
      () => post('notes.write', '{"json":{"text":"x","__proto__":{"admin":true}}}'),
      400,
      'INVALID_INPUT',
      /__proto__/,
    ],
    [
      'a regular expression',
      () => post('notes.write', '{"json":{"text":"/(a+)+$/"},"meta":{"values":{"text":["regexp"]}}}'),
      400,
      'INVALID_INPUT',
      /regexp/,
    ],
    [
      'a number of ten million digits',
      () => post('notes.write', `{"json":{"text":"${'9'.repeat(200_000)}"},"meta":{"values":{"text":["bigint"]}}}`),
      400,
      'INVALID_INPUT',
      /40 digits/,
    ],
    [
      'a form',
      () => post('notes.write', 'text=x', { 'content-type': 'application/x-www-form-urlencoded' }),
      415,
      'UNSUPPORTED_MEDIA_TYPE',
      /application\/json/,
    ],
    [
      'a body without a type',
      () => post('notes.write', '{"json":{"text":"x"}}', { 'content-type': 'text/plain' }),
      415,
      'UNSUPPORTED_MEDIA_TYPE',
      /application\/json/,
    ],
    ['a wrong escape in the path', () => get('%E0%A4%A'), 400, 'INVALID_INPUT', /path: must be percent-encoded/],
    ['another method', () => get('ping', { method: 'PUT' }), 405, 'METHOD_NOT_ALLOWED', /not allowed/],
    [
      'a mutation by GET',
      () => get('notes.write?input=%7B%22json%22%3A%7B%22text%22%3A%22x%22%7D%7D'),
      405,
      'METHOD_NOT_ALLOWED',
      /not allowed/,
    ],
    ['a subscription by POST', () => post('notes.feed', '{"json":{}}'), 405, 'METHOD_NOT_ALLOWED', /not allowed/],
  ];
  it.each(refused)('refuse %s at once', async (_, send, status, code, message) => {
    // The processor's time, the best of three: others use this machine too.
    const times: number[] = [];
    for (let round = 0; round < 3; round++) {
      const start = process.cpuUsage();
      await (await send()).text();
      const { user, system } = process.cpuUsage(start);
      times.push((user + system) / 1_000);
    }
    expect(Math.min(...times)).toBeLessThan(50);
    const response = await send();
    const shape = await shapeOf(response);
    expect(response.status).toBe(status);
    expect(shape.data.failure).toMatchObject({ code, status });
    expect(shape.message).toMatch(message);
    if (status === 405) expect(response.headers.get('allow')).toBeTruthy();
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });

  it('let no mutation through by a streamed GET', async () => {
    const before = server.seen.invocations.length;
    const response = await get(
      'notes.write?batch=1&input=%7B%220%22%3A%7B%22json%22%3A%7B%22text%22%3A%22x%22%7D%7D%7D',
      {
        headers: { 'trpc-accept': 'application/jsonl' },
      },
    );
    expect(await response.text()).toContain('METHOD_NOT_SUPPORTED');
    expect(server.seen.invocations).toHaveLength(before);
  });

  it('tell strangers that they are strangers before they tell them of their input', async () => {
    const response = await fetch(
      `${server.url}/notes.list?input=${encodeURIComponent('{"json":{"limit":{"constructor":1}}}')}`,
    );
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe('Bearer');
  });

  it('answer a body that is too large while it still comes, and take no more of it', async () => {
    const socket = connect(server.port, '127.0.0.1');
    let answered = '';
    socket.on('data', (chunk) => (answered += String(chunk)));
    socket.on('error', () => undefined);
    socket.write(
      'POST /trpc/notes.write HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n',
    );
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
    for (let sent = 0; sent < 8; sent++) socket.write(chunk);
    await until(() => answered.includes('PAYLOAD_TOO_LARGE'), 'the answer comes');
    expect(answered).toMatch(/^HTTP\/1\.1 413 /);
    await until(() => socket.destroyed || socket.readableEnded, 'the connection closes', 5_000);
  });

  it('let go of a reader of a stream who takes nothing', async () => {
    const strict = await startTrpc({ limits: { stalledMs: 150, sweepMs: 20 } });
    try {
      const socket = connect(strict.port, '127.0.0.1');
      socket.pause();
      const input = encodeURIComponent('{"json":{"count":1000000,"padding":100000}}');
      socket.write(
        `GET /trpc/notes.feed?input=${input} HTTP/1.1\r\nHost: x\r\nAuthorization: ${headers.authorization}\r\n\r\n`,
      );
      await until(() => strict.seen.following === 1, 'the stream begins');
      await until(() => strict.seen.following === 0, 'it is let go', 3_000);
      expect(strict.seen.pulled).toBeLessThan(500);
      socket.destroy();
    } finally {
      await strict.close();
    }
  });

  it('forget callers that leave', async () => {
    server.seen.aborted.length = 0;
    const socket = connect(server.port, '127.0.0.1');
    socket.write(
      `GET /trpc/notes.slow?input=%7B%22json%22%3A%7B%22ms%22%3A3000%7D%7D HTTP/1.1\r\nHost: x\r\nAuthorization: ${headers.authorization}\r\n\r\n`,
    );
    await sleep(50);
    socket.destroy();
    await until(() => server.seen.aborted.includes('notes.slow'), 'the handler saw it');
    expect(server.seen.aborted).toEqual(['notes.slow']);
  });
});
