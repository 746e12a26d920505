import { connect } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { startOlympus, type Olympus } from '../harness.ts';
import { carries, protocolsOf, tree } from './protocols.ts';
import { fieldsOf, schemaOf } from './sample.ts';
import { Shop } from './shop.ts';
import type { Protocol } from './wire.ts';

// Each test makes hundreds of calls.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });

let olympus: Olympus;
let protocols: Protocol[];
let shop: Shop;
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

beforeAll(async () => {
  olympus = await startOlympus();
  protocols = protocolsOf(olympus.url);
  shop = await Shop.open(olympus.app);
});
afterAll(async () => {
  for (const protocol of protocols) protocol.close();
  await olympus.close();
});

const bearer = () => ({ authorization: `Bearer ${shop.token}`, 'content-type': 'application/json' });
const post = async (path: string, body: string, headers: Record<string, string> = {}) =>
  (await fetch(olympus.url + path, { method: 'POST', headers: { ...bearer(), ...headers }, body })).status;
const get = async (path: string) => (await fetch(olympus.url + path, { headers: bearer() })).status;
const nested = (depth: number) => '{"a":'.repeat(depth) + '1' + '}'.repeat(depth);

/** Sends a body of many bytes, and nothing once it is answered; the status. */
function flood(path: string, bytes: number, { token = shop.token, method = 'POST' } = {}): Promise<number> {
  const { hostname, port } = new URL(olympus.url);
  const block = Buffer.alloc(64 * 1024, 0x20);
  return new Promise((done, fail) => {
    const socket = connect(Number(port), hostname);
    let answered = false;
    let sent = 0;
    socket.on('data', (data) => {
      if (answered) return;
      answered = true;
      done(Number(/^HTTP\/1\.1 (\d+)/.exec(data.toString('latin1'))?.[1]));
      socket.destroy();
    });
    socket.on('error', (error) => (answered ? undefined : fail(error)));
    socket.write(
      `${method} ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n` +
        `content-type: application/json\r\ncontent-length: ${bytes}\r\n\r\n`,
    );
    const push = (): void => {
      while (!answered && sent < bytes) {
        sent += block.length;
        if (!socket.write(block)) {
          socket.once('drain', push);
          return;
        }
      }
    };
    push();
  });
}

const writing = [...tree].filter(([, { kind, def }]) => kind === 'mutation' && / (?!.*\{)/.test(def.rest));

describe('a request that is too much', () => {
  const cases: Record<string, () => Promise<number>> = {
    'a batch of 20,000 calls': () => post(`/trpc/${'auth.me,'.repeat(19_999)}auth.me?batch=1`, '{}'),
    'a batch of 200 calls': () => post(`/trpc/${'auth.validate,'.repeat(199)}auth.validate?batch=1`, '{}'),
    'a batch of 1,500 calls without names': () => get(`/trpc/${','.repeat(1500)}?batch=1`),
    'a streamed batch of 1,500 calls without names': () =>
      post(`/trpc/${','.repeat(1500)}?batch=1`, '{}', { 'trpc-accept': 'application/jsonl' }),
    'an address of 20 KB': () => get(`/api/v1/orders?q=${'x'.repeat(20_000)}`),
    'an address of 20 KB over tRPC': () => get(`/trpc/orders.list?input=${'x'.repeat(20_000)}`),
    'an address of 40 KB': () => get(`/api/v1/orders?q=${'x'.repeat(40_000)}`),
    '5,000 fields in an address': () => get(`/api/v1/orders?${'a=1&'.repeat(3000)}`),
    '20,000 levels': () => post('/api/v1/orders', nested(20_000)),
    '20,000 levels over tRPC': () => post('/trpc/orders.create', `{"json":${nested(20_000)}}`),
    '20,000 levels of lists': () => post('/trpc/orders.create', `{"json":${'['.repeat(20_000)}${']'.repeat(20_000)}}`),
    'a page of a billion': () => get('/api/v1/orders?limit=1000000000'),
    'a page of a billion over tRPC': () =>
      get(`/trpc/orders.list?input=${encodeURIComponent('{"json":{"limit":1000000000}}')}`),
    'a header of 40 KB': async () =>
      (await fetch(`${olympus.url}/api/v1/auth/me`, { headers: { ...bearer(), 'x-filler': 'x'.repeat(40_000) } }))
        .status,
    'a number of 100,000 digits': () => post('/api/v1/orders', `{"items":[{"quantity":${'9'.repeat(100_000)}}]}`),
    '5,000 items': () =>
      post('/api/v1/orders', JSON.stringify({ items: Array.from({ length: 5000 }, () => ({ quantity: 1 })) })),
  };
  it.each(Object.entries(cases))('%s is refused', async (_, attack) => {
    const status = await attack();
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
  });

  it('is refused by every procedure that takes a body, and leaves nothing in memory', async () => {
    const attack = async () => {
      for (const [path, { def }] of writing) {
        const [method = '', route = ''] = def.rest.split(' ');
        const token = shop.tokenFor(path);
        if (!def.upload) expect(await flood(`/api/v1${route}`, 40_000_000, { token, method }), route).toBe(413);
        expect(await flood(`/trpc/${path}`, 40_000_000, { token }), path).toBe(413);
      }
      expect(await flood('/trpc/auth.validate,auth.validate?batch=1', 40_000_000)).toBe(413);
    };
    await attack();
    collect();
    const before = process.memoryUsage().heapUsed;
    await attack();
    collect();
    expect((process.memoryUsage().heapUsed - before) / 1024 ** 2).toBeLessThan(20);
    expect(await get('/api/v1/auth/me')).toBe(200);
  });

  it('costs as much in a batch as alone', async () => {
    const spent = async (calls: number) => {
      const path = Array(calls).fill('auth.me').join(',');
      const response = await fetch(`${olympus.url}/trpc/${path}?batch=1&input={}`, { headers: bearer() });
      await response.text();
      return Number(/r=(\d+)/.exec(response.headers.get('ratelimit') ?? '')?.[1]);
    };
    const [before, after] = [await spent(1), await spent(50)];
    // A new window may begin between the two.
    if (after < before) expect(before - after).toBe(50);
    else expect(after).toBe(100_000 - 50);
  });
});

/** Fields of lists, so that every limit is seen to be bounded. */
const bounded = [...tree].flatMap(([path]) =>
  fieldsOf(schemaOf(path, 'input'))
    .filter(({ path: field }) => field === 'limit')
    .map(() => path),
);

describe('pages', () => {
  it.each(bounded)('of %s are bounded', async (path) => {
    for (const protocol of protocols)
      for (const limit of [1_000_000_000, 0, -1, 1.5, Number.MAX_SAFE_INTEGER]) {
        const { status, code } = await protocol.call({ path, input: { limit }, token: shop.tokenFor(path) });
        expect([status, code], `${protocol.name} ${limit}`).toEqual([400, 'INVALID_INPUT']);
      }
  });
});

describe('superjson that is not meant well', () => {
  const meta = (values: unknown, json: unknown = { value: '1' }) => ({ json, meta: { values } });
  const payloads: Record<string, unknown> = {
    'a pattern': meta({ value: ['regexp'] }, { value: '/(a+)+$/' }),
    'an error': meta({ value: ['Error'] }, { value: { name: 'x', message: 'y', stack: 'z' } }),
    'a class': meta({ value: [['class', 'Object']] }),
    'a symbol': meta({ value: [['symbol', 'x']] }),
    'a custom type': meta({ value: [['custom', 'x']] }),
    'a map': meta({ value: ['map'] }, { value: [['__proto__', { polluted: 1 }]] }),
    'a path to a prototype': meta({ '__proto__.polluted': ['Date'] }),
    'a path to a constructor': meta({ 'constructor.prototype.polluted': ['Date'] }),
    'a path through a list': meta({ 'value.length': ['number'] }, { value: [] }),
    'references to a prototype': {
      json: { value: {} },
      meta: { referentialEqualities: { value: ['__proto__.polluted'] } },
    },
    'a big integer of 200,000 digits': meta({ value: ['bigint'] }, { value: '9'.repeat(200_000) }),
    'no time': meta({ value: ['Date'] }, { value: '9'.repeat(1000) }),
  };
  const deep = `{"json":{"value":1},"meta":{"values":${'{"value":['.repeat(5000)}0${']}'.repeat(5000)}}}`;

  it.each(Object.entries(payloads))('%s is no input, for any procedure', async (_, payload) => {
    for (const [path, { kind }] of tree) {
      if (kind === 'subscription') continue;
      const authorization = `Bearer ${shop.tokenFor(path)}`;
      const status = await post(`/trpc/${path}`, JSON.stringify(payload), { authorization });
      expect(status, path).toBe(400);
    }
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it('is refused on sockets and streams alike, and the socket lives on', async () => {
    const socket = new WebSocket(olympus.wsUrl, { headers: { authorization: `Bearer ${shop.token}` } });
    await new Promise((done) => socket.once('open', done));
    const answers = new Map<number, string>();
    socket.on('message', (data: Buffer) => {
      const frame = JSON.parse(data.toString()) as { id: number };
      answers.set(frame.id, data.toString());
    });
    let id = 0;
    for (const payload of Object.values(payloads)) {
      for (const [path, { kind }] of tree)
        if (kind === 'subscription' || path === 'orders.create')
          socket.send(JSON.stringify({ id: ++id, method: kind, params: { path, input: payload } }));
      // All payloads at once may be more streams than a socket may have open.
      await expect.poll(() => answers.size, { timeout: 10_000, interval: 10 }).toBe(id);
    }
    for (const answer of answers.values()) expect(answer).toContain('INVALID_INPUT');
    socket.send(JSON.stringify({ id: ++id, method: 'query', params: { path: 'auth.me' } }));
    await expect.poll(() => answers.get(id) ?? '', { timeout: 10_000, interval: 10 }).toContain('"user"');
    socket.terminate();
    for (const protocol of protocols.filter((one) => one.name === 'tRPC' && carries(one, 'orders.updates')))
      for (const payload of Object.values(payloads).filter((one) => JSON.stringify(one).length < 4000)) {
        const url = `${olympus.url}/trpc/orders.updates?input=${encodeURIComponent(JSON.stringify(payload))}`;
        const text = await (await fetch(url, { headers: { ...bearer(), accept: 'text/event-stream' } })).text();
        expect(text, protocol.name).toContain('INVALID_INPUT');
      }
  });

  it('is refused where it is deep or large', async () => {
    const path = '/trpc/orders.create';
    expect(await post(path, deep)).toBe(400);
    expect(await post(path, JSON.stringify(meta({ value: ['bigint'] }, { value: '9'.repeat(10_000_000) })))).toBe(413);
    expect(await post(path, `{"json":${nested(5000)}}`)).toBe(400);
  });
});
