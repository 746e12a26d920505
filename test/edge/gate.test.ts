import { once } from 'node:events';
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { startOlympus, type Olympus, type Session } from '../harness.ts';

let olympus: Olympus;
let owner: Session;
beforeAll(async () => {
  olympus = await startOlympus({
    OLYMPUS_PUBLIC_URL: 'https://api.example.com',
    OLYMPUS_ALLOWED_ORIGINS: 'https://shop.example',
  });
  owner = await olympus.tenant();
});
afterAll(() => olympus.close());

const product = { name: 'Mug', price: { amount: '4.95', currency: 'GBP' } };
let sku = 0;
/** The same change over each protocol. */
const protocols: Record<string, (headers: Record<string, string>) => Promise<number>> = {
  REST: (headers) => send('/api/v1/products', { ...product, sku: `R${sku++}` }, headers),
  tRPC: (headers) => send('/trpc/products.create', { json: { ...product, sku: `T${sku++}` } }, headers),
  'a tRPC batch': (headers) =>
    send('/trpc/products.create?batch=1', { 0: { json: { ...product, sku: `B${sku++}` } } }, headers),
  'a streamed tRPC batch': (headers) =>
    send(
      '/trpc/products.create?batch=1',
      { 0: { json: { ...product, sku: `S${sku++}` } } },
      {
        'trpc-accept': 'application/jsonl',
        ...headers,
      },
    ),
  WebSocket: async (headers) => {
    const socket = new WebSocket(olympus.wsUrl, { headers: { ...bearer(), ...headers } });
    socket.on('error', () => undefined);
    const [status] = (await Promise.race([
      once(socket, 'open').then(() => [200]),
      once(socket, 'unexpected-response').then(([, answer]) => [(answer as { statusCode: number }).statusCode]),
    ])) as [number];
    socket.terminate();
    return status;
  },
};
const bearer = () => ({ authorization: `Bearer ${owner.accessToken}` });
async function send(path: string, body: unknown, headers: Record<string, string>): Promise<number> {
  const response = await fetch(olympus.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...bearer(), ...headers },
    body: JSON.stringify(body),
  });
  await response.text();
  return response.status;
}

describe.each(Object.entries(protocols))('over %s', (_, change) => {
  it.each([
    ['of another site', { origin: 'https://evil.example' }, 403],
    ['without an origin', { origin: 'null' }, 403],
    ['of another port', { origin: 'http://127.0.0.1:1' }, 403],
    ['that tells no origin, from another site', { 'sec-fetch-site': 'cross-site' }, 403],
    ['that tells no origin, from a sibling', { 'sec-fetch-site': 'same-site' }, 403],
    ['of this host by another scheme', { 'sec-fetch-site': 'cross-site', origin: '$own' }, 403],
    ['that asks for another method', { 'x-http-method-override': 'DELETE' }, 405],
    ['that is allowed', { origin: 'https://shop.example', 'sec-fetch-site': 'cross-site' }, 200],
    ['of this host', { origin: '$own', 'sec-fetch-site': 'same-origin' }, 200],
    ['of the public address', { origin: 'https://api.example.com', 'sec-fetch-site': 'same-origin' }, 200],
    ['that is opened by hand', { 'sec-fetch-site': 'none' }, 200],
  ] as [string, Record<string, string>, number][])('a change by a page %s', async (_title, headers, status) => {
    const own = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, value.replace('$own', olympus.url)]),
    );
    const answer = await change(own);
    expect(answer < 300 ? 200 : answer).toBe(status);
  });
});

describe('the edge', () => {
  const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    fetch(olympus.url + path, { method, headers });

  it('tells in the form of the protocol why something is turned away', async () => {
    const foreign = { origin: 'https://evil.example', 'x-request-id': 'mine' };
    const rest = await get('/api/v1/auth/login', foreign, 'POST');
    expect(await rest.json()).toMatchObject({ code: 'FORBIDDEN', status: 403, requestId: 'mine' });
    const trpc = await get('/trpc/auth.login', foreign, 'POST');
    expect(await trpc.json()).toMatchObject({
      error: { json: { data: { failure: { code: 'FORBIDDEN', requestId: 'mine' } } } },
    });
    const override = await get('/api/v1/products', { 'x-http-method': 'DELETE' });
    expect([override.status, override.headers.get('allow')]).toEqual([405, 'GET']);
  });

  it('lets pages read what CORS allows them, and no others', async () => {
    const preflight = await get(
      '/api/v1/products',
      { origin: 'https://shop.example', 'access-control-request-method': 'POST' },
      'OPTIONS',
    );
    expect(preflight.headers.get('access-control-allow-origin')).toBe('https://shop.example');
    expect(preflight.headers.get('vary')).toContain('Origin');
    const refused = await get(
      '/api/v1/products',
      { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
      'OPTIONS',
    );
    expect(refused.headers.get('access-control-allow-origin')).toBeNull();
    expect(refused.headers.get('vary')).toContain('Origin');
    const read = await get('/api/v1/products', { origin: 'https://evil.example', ...bearer() });
    expect([read.status, read.headers.get('access-control-allow-origin')]).toEqual([200, null]);
  });

  it.each(['/docs', '/problems', '/health', '/nothing', '/api/v1/products', '/trpc/products.list', '/openapi.json'])(
    '%s may load nothing of others, be framed by nobody, and be reached by TLS only',
    async (path) => {
      const { headers } = await get(path, bearer());
      expect(headers.get('content-security-policy')).toMatch(/^default-src 'none';/);
      expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('strict-transport-security')).toBe('max-age=31536000; includeSubDomains');
      expect(headers.get('x-powered-by')).toBeNull();
    },
  );

  it.each([
    ['DELETE', '/health', 404],
    ['POST', '/metrics', 404],
    ['GET', '/api/v1/nothing', 404],
    ['TRACE', '/api/v1/products', 405],
    ['PUT', '/trpc/products.list', 405],
    ['GET', '/trpc/products.create', 405],
    ['GET', '/trpc/products.nothing', 404],
    ['GET', '/api/v1/products?nothing=1', 400],
  ])('refuses what no contract names: %s %s', async (method, path, status) => {
    const asked = request(olympus.url + path, { method, headers: bearer() });
    asked.end();
    const [answer] = (await once(asked, 'response')) as [{ statusCode: number; resume(): void }];
    answer.resume();
    expect(answer.statusCode).toBe(status);
  });
});
