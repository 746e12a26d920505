import { Problem } from '@olympus/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRest, tokenOf, type TestServer } from './testing/rest-server.ts';

const id = '01890a5d-ac96-774b-bcce-b302099a8057';
let rest: TestServer;
beforeAll(async () => {
  rest = await startRest();
});
afterAll(() => rest.close());

describe('where calls go', () => {
  it.each([
    '/',
    '',
    '/nope',
    '/mugs/',
    '//mugs',
    '/Mugs',
    `/mugs/${id}/`,
    `/mugs/${id}/x`,
    '/mugs%2Fbatch',
    '/__proto__',
  ])('knows nothing at %s', async (path) => {
    const answer = await rest.send(`GET ${path}` as 'GET /');
    expect(answer.status).toBe(404);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(Problem.parse(answer.json)).toMatchObject({
      type: '/problems/not-found',
      code: 'NOT_FOUND',
      status: 404,
      instance: `/api/v1${path}`,
      requestId: answer.headers['x-request-id'],
      errors: [],
      data: null,
    });
  });

  it('names the methods of a path', async () => {
    const wrong = await rest.send('DELETE /mugs');
    expect(wrong.status).toBe(405);
    expect(wrong.headers.allow).toBe('GET, HEAD, POST, OPTIONS');
    expect(wrong.json.code).toBe('METHOD_NOT_ALLOWED');
    const options = await rest.send(`OPTIONS /mugs/${id}`, { token: null });
    expect(options.status).toBe(204);
    expect(options.headers.allow).toBe('GET, HEAD, PATCH, DELETE, OPTIONS');
    expect((await rest.send('OPTIONS /nope')).status).toBe(404);
  });

  it('prefers a path that is written out to one with parameters', async () => {
    const answer = await rest.send('GET /mugs/batch');
    expect(answer.status).toBe(405);
    expect(answer.headers.allow).toBe('POST, OPTIONS');
  });

  it('takes no method from a header', async () => {
    const answer = await rest.send(`GET /mugs/${id}`, { headers: { 'x-http-method-override': 'DELETE' } });
    expect(answer.json.name).toBe('blue');
  });

  it('decodes path parameters once', async () => {
    expect((await rest.send('GET /mugs/named/a%20b%2Fc%2525')).json).toEqual({ name: 'a b/c%25' });
    expect((await rest.send('GET /mugs/named/a+b')).json).toEqual({ name: 'a+b' });
  });

  it.each(['%', '%zz', '%ff', '%C3'])('refuses the malformed path %s', async (part) => {
    const answer = await rest.send(`GET /mugs/named/${part}`);
    expect(answer.status).toBe(400);
    expect(answer.json.code).toBe('INVALID_INPUT');
  });

  it('names a path parameter that is wrong', async () => {
    expect((await rest.send('GET /mugs/named/a%00b')).json.errors).toMatchObject([{ field: 'name' }]);
    expect((await rest.send('GET /mugs/17')).json).toMatchObject({ status: 400, errors: [{ field: 'id' }] });
    expect((await rest.send(`GET /mugs/${'1'.repeat(5_000)}`)).json).toMatchObject({ errors: [{ field: 'id' }] });
  });

  it('bounds the address', async () => {
    const answer = await rest.send(`GET /mugs?q=${'x'.repeat(15_900)}`);
    expect(answer.status).toBe(200);
    expect((await startedWith(200)).status).toBe(414);
  });

  async function startedWith(length: number) {
    const small = await startRest({ rest: { limits: { urlLength: length } } });
    const answer = await small.send(`GET /mugs?q=${'x'.repeat(length)}`);
    await small.close();
    return answer;
  }
});

describe('who calls', () => {
  it('needs a credential, tells a bad one, and keeps faults of the input from strangers', async () => {
    for (const headers of [
      {},
      { authorization: 'Bearer token-nobody' },
      { authorization: 'Basic abc' },
      { authorization: 'Bearer' },
    ]) {
      const answer = await rest.send('POST /mugs', { token: null, headers, body: '{"name":' });
      expect(answer.status).toBe(401);
      expect(answer.headers['www-authenticate']).toBe('Bearer');
      expect(answer.json).toMatchObject({ code: 'UNAUTHENTICATED', errors: [], data: null });
    }
    const refused = await rest.send('POST /mugs', { token: tokenOf('viewer'), body: '{"name":' });
    expect(refused.json).toMatchObject({ status: 403, code: 'FORBIDDEN', data: { permission: 'products:write' } });
  });

  it('serves strangers what is public', async () => {
    expect((await rest.send('GET /mugs/named/x', { token: null })).status).toBe(200);
    expect((await rest.send('GET /mugs/named/x', { token: 'token-nobody' })).status).toBe(401);
  });

  it('counts every call, the malformed ones too, and says how the window stands', async () => {
    const { headers } = await rest.send('GET /mugs');
    expect(headers).toMatchObject({ 'ratelimit-policy': '"read";q=10;w=1', ratelimit: '"read";r=9;t=1' });
    rest.spent.add('write');
    const answer = await rest.send('POST /mugs', { body: '{' });
    rest.spent.clear();
    expect(answer.status).toBe(429);
    expect(answer.headers['retry-after']).toBe('1');
    expect(answer.json).toMatchObject({ code: 'RATE_LIMITED', data: { retryAfter: 1 } });
  });

  it('takes ids of requests and traces along', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const { headers } = await rest.send('GET /mugs', { headers: { 'x-request-id': 'mine-1', traceparent } });
    expect(headers['x-request-id']).toBe('mine-1');
    expect(headers['traceparent']).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-01$/);
    const other = await rest.send('GET /mugs', { headers: { 'x-request-id': 'bad id' } });
    expect(other.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('media types', () => {
  it.each(['text/html', 'application/xml', 'application/json;q=0', 'text/event-stream'])(
    'has nothing for Accept: %s',
    async (accept) => {
      const answer = await rest.send('GET /mugs', { headers: { accept } });
      expect(answer.status).toBe(406);
      expect(answer.json.data).toEqual({ available: ['application/json'] });
    },
  );
  it.each(['*/*', 'application/*', 'text/html, */*;q=0.1', 'application/json; charset=utf-8', 'APPLICATION/JSON'])(
    'answers Accept: %s',
    async (accept) => {
      const answer = await rest.send('GET /mugs', { headers: { accept } });
      expect(answer.status).toBe(200);
      expect(answer.headers['content-type']).toBe('application/json');
    },
  );

  it.each([
    ['text/plain'],
    ['application/x-www-form-urlencoded'],
    ['multipart/form-data; boundary=x'],
    ['application/json; charset=latin1'],
    ['application/merge-patch+json'],
    ['nonsense'],
    [''],
  ])('takes no body of %s', async (type) => {
    const answer = await rest.send('POST /mugs', { body: '{"name":"x"}', headers: { 'content-type': type } });
    expect(answer.status).toBe(415);
    expect(answer.json.data).toEqual({ supported: ['application/json'] });
  });
  it.each(['application/json', 'application/json; charset=utf-8', 'Application/JSON;charset="UTF-8"'])(
    'takes a body of %s',
    async (type) => {
      const answer = await rest.send('POST /mugs', { body: '{"name":"é"}', headers: { 'content-type': type } });
      expect(answer.json.name).toBe('é');
    },
  );
  it('takes a merge patch', async () => {
    const answer = await rest.send(`PATCH /mugs/${id}`, {
      body: { name: null },
      headers: { 'content-type': 'application/merge-patch+json' },
    });
    expect(answer.json.name).toBe('null');
  });
  it('takes no content coding', async () => {
    const answer = await rest.send('POST /mugs', { body: '{}', headers: { 'content-encoding': 'gzip' } });
    expect(answer.status).toBe(415);
    expect(answer.json.detail).toContain('content coding');
    expect(
      (await rest.send('POST /mugs', { body: '{"name":"x"}', headers: { 'content-encoding': 'identity' } })).status,
    ).toBe(201);
  });
});

describe('answers', () => {
  it('carries dates, money and nulls as JSON has them, and belongs to nobody else', async () => {
    const answer = await rest.send(`GET /mugs/${id}`);
    expect(answer.json).toEqual({ id, name: 'blue', price: '3.5000', firedAt: '2010-12-01T08:26:00.000Z', version: 3 });
    expect(answer.headers).toMatchObject({
      'cache-control': 'private, no-store',
      'x-content-type-options': 'nosniff',
      etag: '"3"',
    });
  });

  it('answers HEAD with the headers of GET alone', async () => {
    const get = await rest.send(`GET /mugs/${id}`);
    const head = await rest.send(`HEAD /mugs/${id}`);
    expect(head.status).toBe(200);
    expect(head.text).toBe('');
    for (const name of ['content-length', 'content-type', 'etag', 'cache-control'])
      expect(head.headers[name]).toBe(get.headers[name]);
    expect((await rest.send('HEAD /mugs/17')).status).toBe(400);
  });

  it('says 304 to those who have it already', async () => {
    for (const tag of ['"3"', 'W/"3"', '"1", "3"', '*']) {
      const answer = await rest.send(`GET /mugs/${id}`, { headers: { 'if-none-match': tag } });
      expect(answer.status).toBe(304);
      expect(answer.headers.etag).toBe('"3"');
      expect(answer.text).toBe('');
    }
    expect((await rest.send(`GET /mugs/${id}`, { headers: { 'if-none-match': '"2"' } })).status).toBe(200);
    const list = await rest.send('GET /mugs');
    expect(list.headers.etag).toMatch(/^W\/"/);
    const again = await rest.send('GET /mugs', { headers: { 'if-none-match': list.headers.etag ?? '' } });
    expect(again.status).toBe(304);
    const other = await rest.send('GET /mugs?limit=7', { headers: { 'if-none-match': list.headers.etag ?? '' } });
    expect(other.status).toBe(200);
  });

  it('says where a new resource is', async () => {
    const answer = await rest.send('POST /mugs', { body: { name: 'red' } });
    expect(answer.status).toBe(201);
    expect(answer.headers.location).toBe(`/api/v1/mugs/${id}`);
    expect(answer.headers.etag).toBe('"1"');
  });

  it('says nothing with 204', async () => {
    const answer = await rest.send(`DELETE /mugs/${id}`, { headers: { accept: 'text/html' } });
    expect(answer.status).toBe(204);
    expect(answer.text).toBe('');
    expect(answer.headers['content-type']).toBeUndefined();
    expect(answer.headers['content-length']).toBeUndefined();
  });

  it('answers a batch with 207', async () => {
    const answer = await rest.send('POST /mugs/batch', { body: { names: ['a', 'b'] } });
    expect(answer.status).toBe(207);
    expect(answer.json.results).toHaveLength(2);
  });

  it('links the pages before and after with the same query', async () => {
    const first = await rest.send('GET /mugs?limit=5&q=a%20b&withTotal=true');
    expect(first.headers.link).toBe('</api/v1/mugs?limit=5&q=a+b&withTotal=true&cursor=n%2B1>; rel="next"');
    expect(first.headers['x-total-count']).toBe('41');
    const last = await rest.send('GET /mugs?cursor=last');
    expect(last.headers.link).toBe('</api/v1/mugs?cursor=p%2F1>; rel="prev"');
    expect(last.headers['x-total-count']).toBeUndefined();
    const middle = await rest.send('GET /mugs?cursor=x');
    expect(middle.headers.link).toContain('rel="next", <');
    expect((await rest.send('GET /mugs/named/x')).headers.link).toBeUndefined();
  });

  it('tells an expected failure whole, and an unexpected one not at all', async () => {
    const missing = await rest.send('GET /mugs/01890a5d-ac96-774b-bcce-000000000000');
    expect(Problem.parse(missing.json)).toMatchObject({
      type: '/problems/product-not-found',
      title: 'No such product',
      status: 404,
      code: 'PRODUCT_NOT_FOUND',
      data: { id: '01890a5d-ac96-774b-bcce-000000000000' },
    });
    const broken = await startRest({ handlers: { get: () => Promise.reject(new Error('secret table users')) } });
    const answer = await broken.send(`GET /mugs/${id}`);
    await broken.close();
    expect(answer.status).toBe(500);
    expect(answer.text).not.toContain('secret');
    expect(Problem.parse(answer.json)).toMatchObject({ code: 'INTERNAL', detail: 'Something failed here', data: null });
  });

  it('masks an answer that breaks its contract', async () => {
    const broken = await startRest({ handlers: { named: () => Promise.resolve({ name: 7 } as never) } });
    const answer = await broken.send('GET /mugs/named/x');
    await broken.close();
    expect(answer.json).toMatchObject({ status: 500, code: 'INTERNAL', errors: [] });
  });
});
