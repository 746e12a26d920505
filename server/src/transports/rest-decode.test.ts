import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRest, type Answer, type TestServer } from './testing/rest-server.ts';

const id = '01890a5d-ac96-774b-bcce-b302099a8057';
let rest: TestServer;
beforeAll(async () => {
  rest = await startRest();
});
afterAll(() => rest.close());

const refused = (answer: Answer) => {
  expect(answer.status).toBe(400);
  expect(answer.json.code).toBe('INVALID_INPUT');
  return answer.json.errors as unknown;
};

describe('a query', () => {
  it('is read as its contract types it', async () => {
    const { json } = await rest.send(
      'GET /mugs?limit=5&withTotal=true&glaze=matt&glaze=blue%26green&firedAfter=2020-01-01T01:00:00%2B01:00&q=true',
    );
    expect(json.echo).toEqual({
      limit: 5,
      withTotal: true,
      glaze: ['matt', 'blue&green'],
      firedAfter: '2020-01-01T00:00:00.000Z',
      q: 'true',
    });
  });

  it('keeps its defaults, text that looks like a number, and plus for a space', async () => {
    expect((await rest.send('GET /mugs?withTotal=false')).json.echo).toEqual({ limit: 20, withTotal: false });
    expect((await rest.send('GET /mugs?q=007')).json.echo.q).toBe('007');
    expect((await rest.send('GET /mugs?q=a+b%2Bc')).json.echo.q).toBe('a b+c');
    expect((await rest.send('GET /mugs?q')).json.echo.q).toBe('');
    expect((await rest.send('GET /mugs?&&')).status).toBe(200);
    expect((await rest.send('GET /mugs?glaze=one')).json.echo.glaze).toEqual(['one']);
  });

  it.each([
    'limit=five',
    'limit=',
    'limit=1.5',
    'limit=0x10',
    'limit=1_0',
    'limit=%2010',
    'limit=Infinity',
    'limit=101',
    'limit=05',
    'withTotal=1',
    'withTotal=TRUE',
    'withTotal=',
    'firedAfter=yesterday',
    'firedAfter=2020-13-01T00:00:00Z',
    'firedAfter=2020-01-01',
    'cursor=',
  ])('refuses %s by name', async (query) => {
    expect(refused(await rest.send(`GET /mugs?${query}`))).toMatchObject([{ field: query.split('=')[0] }]);
  });

  it('gives a field once, unless it is a list', async () => {
    expect(refused(await rest.send('GET /mugs?q=a&q=b'))).toMatchObject([
      { field: 'q', message: 'must be given once' },
    ]);
  });

  it('names unknown fields and the nearest known ones', async () => {
    expect(refused(await rest.send('GET /mugs?limt=5&withTotl=true'))).toEqual([
      expect.objectContaining({ field: 'limt', nearest: 'limit' }),
      expect.objectContaining({ field: 'withTotl', nearest: 'withTotal' }),
    ]);
    expect(refused(await rest.send('GET /mugs/named/x?a=b'))).toMatchObject([{ field: 'a', nearest: null }]);
    expect(refused(await rest.send('GET /mugs?__proto__=x'))).toMatchObject([{ field: '__proto__' }]);
    expect(refused(await rest.send('GET /mugs?constructor=x'))).toMatchObject([{ field: 'constructor' }]);
  });

  it('says where a field belongs that was sent elsewhere', async () => {
    const place = async (line: 'GET /', body?: unknown) => refused(await rest.send(line, { body }));
    expect(await place(`GET /mugs/${id}?id=${id}` as 'GET /')).toMatchObject([
      { field: 'id', message: 'belongs in the path' },
    ]);
    expect(await place('POST /mugs?name=x' as 'GET /')).toMatchObject([
      { field: 'name', message: 'belongs in the body' },
    ]);
    expect(await place(`PATCH /mugs/${id}` as 'GET /', { id, name: 'x' })).toMatchObject([
      { field: 'id', message: 'belongs in the path' },
    ]);
    expect(await place('POST /mugs/import' as 'GET /', { dryRun: true })).toMatchObject([
      { field: 'dryRun', message: 'belongs in the query' },
    ]);
  });

  it.each(['q=%', 'q=%zz', 'q=%ff', '%=1', 'q=a%00b'])('refuses the malformed %s', async (query) => {
    expect(refused(await rest.send(`GET /mugs?${query}`))).toHaveLength(1);
  });
});

describe('a body', () => {
  it('is an object of what the contract names', async () => {
    for (const body of ['[]', '"x"', '1', 'null', 'true'])
      expect(refused(await rest.send('POST /mugs', { body }))).toMatchObject([
        { field: '', message: 'The body must be a JSON object' },
      ]);
    expect(refused(await rest.send('POST /mugs', { body: { nmae: 'x' } }))).toContainEqual(
      expect.objectContaining({ field: 'nmae', nearest: 'name' }),
    );
    expect(refused(await rest.send('POST /mugs', { body: { name: '' } }))).toMatchObject([{ field: 'name' }]);
  });

  it('may be left out where nothing in it is needed', async () => {
    expect((await rest.send(`PATCH /mugs/${id}`)).json.name).toBe('absent');
    expect(refused(await rest.send('POST /mugs'))).toMatchObject([{ field: 'name' }]);
  });

  it('tells absent from null', async () => {
    expect((await rest.send(`PATCH /mugs/${id}`, { body: {} })).json.name).toBe('absent');
    expect((await rest.send(`PATCH /mugs/${id}`, { body: { name: null } })).json.name).toBe('null');
  });

  it('is typed: numbers and booleans are no text', async () => {
    expect(refused(await rest.send('POST /mugs', { body: { name: 5 } }))).toMatchObject([{ field: 'name' }]);
    expect(refused(await rest.send(`PATCH /mugs/${id}`, { body: { expectedVersion: '3' } }))).toMatchObject([
      { field: 'expectedVersion' },
    ]);
  });

  it('has dates in ISO 8601, however deep', async () => {
    const { json } = await rest.send('POST /mugs', {
      body: { name: 'x', parts: [{ made: '2011-12-09T12:50:00.5Z' }] },
    });
    expect(json.firedAt).toBe('2011-12-09T12:50:00.500Z');
    expect(refused(await rest.send('POST /mugs', { body: { name: 'x', firedAt: '09/12/2011' } }))).toMatchObject([
      { field: 'firedAt' },
    ]);
    expect(refused(await rest.send('POST /mugs', { body: { name: 'x', firedAt: 1 } }))).toMatchObject([
      { field: 'firedAt' },
    ]);
  });

  it('is well-formed JSON, and the fault is told by its place', async () => {
    expect(refused(await rest.send('POST /mugs', { body: '{"name":"x",}' }))).toMatchObject([
      { message: 'The body is not valid JSON: unexpected "}" at position 12' },
    ]);
    expect(refused(await rest.send('POST /mugs', { body: '{"name":"x","name":"y"}' }))).toMatchObject([
      { message: expect.stringContaining('given twice') as string },
    ]);
  });

  it.each([
    '{"__proto__":{"admin":true}}',
    '{"constructor":{"prototype":{"admin":true}}}',
    '{"name":"x","parts":[{"__proto__":1}]}',
  ])('reaches no prototype by %s', async (body) => {
    refused(await rest.send('POST /mugs', { body }));
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });

  it('is bounded in size and depth', async () => {
    const large = await rest.send('POST /mugs', { body: { name: 'x'.repeat(300_000) } });
    expect(large.status).toBe(413);
    expect(large.json.data).toEqual({ limit: 262_144 });
    expect((await rest.send('POST /mugs', { body: { name: 'x'.repeat(200_000) } })).status).toBe(201);
    refused(await rest.send('POST /mugs', { body: '['.repeat(20_000) }));
  });

  it('belongs to no GET or DELETE', async () => {
    expect(refused(await rest.send('GET /mugs', { body: '{}' }))).toMatchObject([{ message: 'GET takes no body' }]);
    expect(refused(await rest.send(`DELETE /mugs/${id}`, { body: '{}' }))).toMatchObject([
      { message: 'DELETE takes no body' },
    ]);
    expect((await rest.send('GET /mugs', { headers: { 'content-length': '0' } })).status).toBe(200);
  });
});

describe('a version', () => {
  const patch = (ifMatch: string | null, body: object = {}) =>
    rest.send(`PATCH /mugs/${id}`, { body, headers: ifMatch === null ? {} : { 'if-match': ifMatch } });

  it('comes by If-Match or in the input', async () => {
    expect((await patch('"3"')).status).toBe(200);
    expect((await patch('W/"3"')).status).toBe(200);
    expect((await patch('*')).status).toBe(200);
    expect((await patch('"3"', { expectedVersion: 3 })).status).toBe(200);
    for (const answer of [await patch('"2"'), await patch(null, { expectedVersion: 2 })]) {
      expect(answer.status).toBe(412);
      expect(answer.json).toMatchObject({ code: 'VERSION_CONFLICT', data: { currentVersion: 3 } });
    }
    expect((await rest.send(`DELETE /mugs/${id}`, { headers: { 'if-match': '"9"' } })).status).toBe(412);
    expect((await rest.send(`DELETE /mugs/${id}?expectedVersion=9`)).status).toBe(412);
  });

  it('is one, and agrees with itself', async () => {
    for (const tag of ['3', '"a"', '"3", "4"', ''])
      expect(refused(await patch(tag))).toMatchObject([{ field: 'If-Match' }]);
    expect(refused(await patch('"3"', { expectedVersion: 4 }))).toMatchObject([{ field: 'expectedVersion' }]);
    expect(
      refused(await rest.send(`DELETE /mugs/${id}?expectedVersion=8`, { headers: { 'if-match': '"9"' } })),
    ).toMatchObject([{ field: 'expectedVersion' }]);
  });

  it('is left alone where there is none', async () => {
    expect((await rest.send(`GET /mugs/${id}`, { headers: { 'if-match': '"x"' } })).status).toBe(200);
  });
});

describe('an idempotency key', () => {
  it('is one key', async () => {
    const answer = await rest.send('POST /mugs', { body: { name: 'x' }, headers: { 'idempotency-key': 'a,b' } });
    expect(refused(answer)).toMatchObject([{ field: 'Idempotency-Key' }]);
    expect((await rest.send('GET /mugs', { headers: { 'idempotency-key': 'a,b' } })).status).toBe(200);
  });
});
