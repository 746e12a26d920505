import { parse } from 'csv-parse/sync';
import { once } from 'node:events';
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { createDepartures } from './departures.ts';
import { startRest, tokenOf, type TestServer } from './testing/rest-server.ts';

let rest: TestServer;
afterEach(() => rest.close());

/** A stream that is read by hand. */
async function open(path: string, headers: Record<string, string> = {}) {
  const request = httpRequest({
    host: '127.0.0.1',
    port: rest.port,
    path: `/api/v1${path}`,
    agent: false,
    headers: { authorization: `Bearer ${tokenOf('owner')}`, ...headers },
  });
  request.end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return { request, response };
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk as string;
  return text;
}
async function until(met: () => boolean, ms = 5_000): Promise<void> {
  for (const end = Date.now() + ms; !met(); await sleep(10)) if (Date.now() > end) throw new Error('did not happen');
}
const eventsIn = (text: string) =>
  text
    .split('\n\n')
    .filter((block) => block.includes('data: '))
    .map(
      (block) =>
        Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/s).slice(0, 2))) as Record<
          string,
          string
        >,
    );

describe('an event stream', () => {
  it('says how to come back, then tells each event with its id and type', async () => {
    rest = await startRest();
    const { headers, text } = await rest.send('GET /mugs/events', { headers: { accept: 'text/event-stream' } });
    expect(headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'private, no-store',
      'x-content-type-options': 'nosniff',
      ratelimit: '"stream";r=9;t=1',
    });
    expect(text).toMatch(/^retry: 2000\n:[^\n]*\n\nid: e1\nevent: mug.made\ndata: \{"type":"mug.made",/);
    expect(eventsIn(text).map(({ id }) => id)).toEqual(['e1', 'e2']);
  });

  it('resumes from the header before the query', async () => {
    rest = await startRest();
    const after = async (query: string, headers: Record<string, string>) => {
      const { text } = await rest.send(`GET /mugs/events?count=1${query}`, { headers });
      return (JSON.parse(eventsIn(text)[0]?.['data'] ?? '') as { after: string | null }).after;
    };
    expect(await after('', {})).toBeNull();
    expect(await after('&lastEventId=q', {})).toBe('q');
    expect(await after('', { 'last-event-id': 'h' })).toBe('h');
    expect(await after('&lastEventId=q', { 'last-event-id': 'h' })).toBe('h');
    expect(await after('&lastEventId=q', { 'last-event-id': '' })).toBe('q');
    const long = await rest.send('GET /mugs/events', { headers: { 'last-event-id': 'x'.repeat(201) } });
    expect(long.json).toMatchObject({ status: 400, errors: [{ field: 'lastEventId' }] });
  });

  it('answers with a problem what fails before its first byte', async () => {
    rest = await startRest();
    expect((await rest.send('GET /mugs/events', { token: null })).json).toMatchObject({ status: 401 });
    expect((await rest.send('GET /mugs/events?count=x')).json).toMatchObject({
      status: 400,
      errors: [{ field: 'count' }],
    });
    expect((await rest.send('GET /mugs/events', { headers: { accept: 'text/html' } })).status).toBe(406);
    const failed = await rest.send('GET /mugs/events?failWith=now');
    expect(failed.headers['content-type']).toBe('application/problem+json');
    expect(failed.json).toMatchObject({ status: 503, code: 'UNAVAILABLE' });
  });

  it('tells a later failure as an event, masked', async () => {
    rest = await startRest();
    const { text } = await rest.send('GET /mugs/events?failWith=later');
    const last = eventsIn(text).at(-1);
    expect(last?.['event']).toBe('error');
    expect(JSON.parse(last?.['data'] ?? '')).toMatchObject({
      code: 'INTERNAL',
      status: 500,
      instance: '/api/v1/mugs/events',
    });
  });

  it('sends its headers at once, and signs of life', async () => {
    rest = await startRest({ rest: { limits: { pingMs: 20 } } });
    const { response, request } = await open('/mugs/events?count=0&open=true');
    let text = '';
    response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    await until(() => text.split(': ping\n\n').length > 3);
    expect(text).not.toContain('data:');
    request.destroy();
  });

  it('ends its call when the reader leaves', async () => {
    rest = await startRest();
    const { response, request } = await open('/mugs/events?count=1&open=true');
    await once(response, 'data');
    expect(rest.calls).toEqual([]);
    request.destroy();
    await until(() => rest.calls.length === 1);
    expect(rest.calls).toEqual([{ procedure: 'mugs.updates', code: 'OK' }]);
  });

  it.each([
    ['its token expires', { tokenMs: 300 }, (): void => undefined],
    ['its session ends', {}, (): void => void rest.revoked.add(tokenOf('owner'))],
  ])('ends within two seconds when %s', async (_, options, happen) => {
    rest = await startRest(options);
    const { response } = await open('/mugs/events?count=1&open=true');
    const text = textOf(response);
    const start = Date.now();
    happen();
    const last = eventsIn(await text).at(-1);
    expect(Date.now() - start).toBeLessThan(2_000);
    expect(last?.['event']).toBe('error');
    expect(JSON.parse(last?.['data'] ?? '')).toMatchObject({ code: 'UNAUTHENTICATED', status: 401 });
    await until(() => rest.calls.length === 1);
  });

  it('ends when the server winds down', async () => {
    const closing = new AbortController();
    rest = await startRest({ rest: { departures: createDepartures(closing.signal) } });
    const { response } = await open('/mugs/events?count=1&open=true');
    const text = textOf(response);
    await sleep(20);
    closing.abort();
    expect(eventsIn(await text)).toHaveLength(1);
    expect(eventsIn((await rest.send('GET /mugs/events?open=true')).text)).toHaveLength(0);
  });

  it('holds back its events for a slow reader, and leaves one that takes nothing', async () => {
    let made = 0;
    rest = await startRest({
      rest: { limits: { stallMs: 300 } },
      handlers: {
        updates: async function* () {
          for (; made < 10_000; made++)
            yield { id: `e${made}`, data: { type: 'mug.made', mugId: 'm'.repeat(100_000), after: null } };
        },
      },
    });
    const { response, request } = await open('/mugs/events');
    response.pause();
    await until(() => rest.calls.length === 1);
    // Sockets buffer some megabytes of their own; the stream would be a gigabyte.
    expect(made).toBeLessThan(500);
    request.destroy();
  });
});

describe('a poll for events', () => {
  const accept = { accept: 'application/json' };
  const poll = (query: string, headers: Record<string, string> = {}) =>
    rest.send(`GET /mugs/events${query}`, { headers: { ...accept, ...headers } });

  it('is answered with what there is, and the id to go on from', async () => {
    rest = await startRest();
    const answer = await poll('?open=true');
    expect(answer.headers).toMatchObject({ 'content-type': 'application/json', ratelimit: '"read";r=9;t=1' });
    const data = (after: string | null) => ({ type: 'mug.made', mugId: 'm', after });
    expect(answer.json).toEqual({
      events: [
        { id: 'e1', data: data(null) },
        { id: 'e2', data: data(null) },
      ],
      lastEventId: 'e2',
    });
    const next = await poll('?open=true&count=3', { 'last-event-id': 'e2' });
    expect(next.json.events[0].data.after).toBe('e2');
    await until(() => rest.calls.length === 2);
  });

  it('waits where there is nothing, as long as it is asked to, and ends its call', async () => {
    rest = await startRest();
    const start = performance.now();
    const answer = await poll('?open=true&count=0', { prefer: 'respond-async, wait=1', 'last-event-id': 'e7' });
    expect(performance.now() - start).toBeGreaterThan(900);
    expect(answer.json).toEqual({ events: [], lastEventId: 'e7' });
    await until(() => rest.calls.length === 1);
    for (const prefer of ['wait=31', 'wait=-1', 'wait=soon'])
      expect((await poll('?open=true', { prefer })).json).toMatchObject({ status: 400, errors: [{ field: 'Prefer' }] });
  });

  it('is not ended by what was known under its id already', async () => {
    rest = await startRest();
    const start = performance.now();
    const { json } = await poll('?open=true&count=1', { prefer: 'wait=1', 'last-event-id': 'e1' });
    expect(performance.now() - start).toBeGreaterThan(900);
    expect(json).toMatchObject({ events: [{ id: 'e1' }], lastEventId: 'e1' });
  });

  it('holds a hundred events at most', async () => {
    rest = await startRest();
    expect((await poll('?count=250')).json).toMatchObject({ events: { length: 100 }, lastEventId: 'e100' });
  });

  it('is refused like any call, also while it waits', async () => {
    rest = await startRest();
    expect((await rest.send('GET /mugs/events', { token: null, headers: accept })).json).toMatchObject({ status: 401 });
    expect((await poll('?failWith=now')).json).toMatchObject({ status: 503 });
    expect((await poll('?failWith=later')).json).toMatchObject({ lastEventId: 'e2' });
    const waiting = poll('?open=true&count=0');
    await sleep(50);
    rest.revoked.add(tokenOf('owner'));
    expect((await waiting).json).toMatchObject({ status: 401, code: 'UNAUTHENTICATED' });
  });

  it('is answered at once when the server winds down, and ends when its caller leaves', async () => {
    const closing = new AbortController();
    rest = await startRest({ rest: { departures: createDepartures(closing.signal) } });
    const leaving = httpRequest({
      host: '127.0.0.1',
      port: rest.port,
      path: '/api/v1/mugs/events?open=true&count=0',
      headers: { authorization: `Bearer ${tokenOf('owner')}`, ...accept },
    });
    leaving.on('error', () => undefined).end();
    await sleep(50);
    leaving.destroy();
    await until(() => rest.calls.length === 1);
    const waiting = poll('?open=true&count=0');
    await sleep(50);
    closing.abort();
    expect((await waiting).json).toEqual({ events: [], lastEventId: null });
  });
});

describe('a download', () => {
  it('is CSV by default and NDJSON when asked, by Accept or by name', async () => {
    rest = await startRest();
    const csv = await rest.send('GET /mugs/export');
    expect(csv.headers['content-type']).toBe('text/csv; charset=utf-8');
    expect(csv.headers['content-disposition']).toBe('attachment; filename="mugs.csv"');
    const rows = parse<Record<string, string>>(csv.text, { columns: true });
    expect(rows).toHaveLength(3);
    expect(rows[1]).toEqual({
      name: `'=mug "1"`,
      quantity: '-1',
      unitPrice: '-1.5000',
      firedAt: '2010-12-01T08:26:00.000Z',
      note: '',
    });

    const byHeader = await rest.send('GET /mugs/export', { headers: { accept: 'application/x-ndjson' } });
    const byName = await rest.send('GET /mugs/export?format=ndjson', { headers: { accept: 'text/csv' } });
    for (const answer of [byHeader, byName]) {
      expect(answer.headers['content-disposition']).toBe('attachment; filename="mugs.ndjson"');
      const lines = answer.text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as object);
      expect(lines[1]).toEqual({
        name: '=mug "1"',
        quantity: -1,
        unitPrice: '-1.5000',
        firedAt: '2010-12-01T08:26:00.000Z',
        note: null,
      });
    }
  });

  it('refuses other formats', async () => {
    rest = await startRest();
    expect((await rest.send('GET /mugs/export?format=xml')).json).toMatchObject({
      status: 400,
      errors: [{ field: 'format' }],
    });
    expect((await rest.send('GET /mugs/export?format=csv&format=csv')).status).toBe(400);
    expect((await rest.send('GET /mugs/export', { headers: { accept: 'application/json' } })).json.data).toEqual({
      available: ['text/csv', 'application/x-ndjson'],
    });
    expect((await rest.send('GET /mugs?format=csv')).json.errors).toMatchObject([{ field: 'format' }]);
  });

  it('has its header row even when nothing follows', async () => {
    rest = await startRest();
    expect((await rest.send('GET /mugs/export?count=0')).text).toBe('name,quantity,unitPrice,firedAt,note\n');
    expect((await rest.send('GET /mugs/export?count=0&format=ndjson')).text).toBe('');
  });

  it('answers HEAD without asking for items', async () => {
    let asked = 0;
    rest = await startRest({
      handlers: {
        export: async function* () {
          asked++;
          yield { name: '', quantity: 1, unitPrice: '1', firedAt: new Date(0), note: null };
        },
      },
    });
    const head = await rest.send('HEAD /mugs/export');
    expect(head.status).toBe(200);
    expect(head.headers['content-type']).toBe('text/csv; charset=utf-8');
    expect((await rest.send('HEAD /mugs/events')).headers['content-type']).toBe('text/event-stream');
    expect(asked).toBe(0);
  });

  it('comes whole through many chunks', async () => {
    rest = await startRest();
    const { text } = await rest.send('GET /mugs/export?count=20000');
    expect(text.length).toBeGreaterThan(1_000_000);
    expect(parse(text, { columns: true })).toHaveLength(20_000);
  });

  it('answers with a problem what fails at once, and breaks off what fails on the way', async () => {
    rest = await startRest();
    expect((await rest.send('GET /mugs/export?failAt=0')).json).toMatchObject({ status: 500, code: 'INTERNAL' });
    const { response } = await open('/mugs/export?count=5000&failAt=4000');
    await expect(textOf(response)).rejects.toThrow('aborted');
    expect(response.complete).toBe(false);
  });

  it('asks for no more items than its reader takes', async () => {
    let made = 0;
    const row = { name: 'x'.repeat(1_000), quantity: 1, unitPrice: '1', firedAt: new Date(0), note: null };
    rest = await startRest({
      handlers: {
        export: async function* () {
          for (; made < 1_000_000; made++) yield row;
        },
      },
      rest: { limits: { downloadStallMs: 300 } },
    });
    const { response, request } = await open('/mugs/export');
    response.pause();
    await until(() => rest.calls.length === 1);
    expect(made).toBeLessThan(30_000);
    request.destroy();
  });
});

describe('an upload', () => {
  const upload = (path: string, headers: Record<string, string | number> = {}): ClientRequest =>
    httpRequest({
      host: '127.0.0.1',
      port: rest.port,
      method: 'POST',
      path: `/api/v1${path}`,
      agent: false,
      headers: { authorization: `Bearer ${tokenOf('owner')}`, 'content-type': 'text/csv', ...headers },
    });
  async function answerOf(request: ClientRequest) {
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    return {
      status: response.statusCode,
      headers: response.headers,
      json: JSON.parse(await textOf(response)) as object,
    };
  }

  it('is streamed into the call, its options in the query', async () => {
    rest = await startRest();
    const request = upload('/mugs/import?dryRun=true', { 'content-type': 'text/csv; charset=utf-8' });
    for (let chunk = 0; chunk < 5; chunk++) {
      request.write('x'.repeat(100_000));
      await sleep(5);
    }
    request.end();
    expect((await answerOf(request)).json).toEqual({ bytes: 500_000, mediaType: 'text/csv', dryRun: true });
  });

  it('may come inline as JSON', async () => {
    rest = await startRest();
    const { json } = await rest.send('POST /mugs/import', { body: { content: 'a,b' } });
    expect(json).toEqual({ bytes: 3, mediaType: null, dryRun: false });
    const other = await rest.send('POST /mugs/import', {
      body: 'x',
      headers: { 'content-type': 'application/x-ndjson' },
    });
    expect(other.json).toMatchObject({ status: 415, data: { supported: ['application/json', 'text/csv'] } });
  });

  it('waits for its reader', async () => {
    let taken = 0;
    let goOn = () => {};
    const wait = new Promise<void>((resolve) => (goOn = resolve));
    rest = await startRest({
      handlers: {
        import: async ({ ctx }) => {
          for await (const chunk of ctx.upload?.stream ?? []) {
            if (taken === 0) await wait;
            taken += chunk.length;
          }
          return { bytes: taken, mediaType: null, dryRun: false };
        },
      },
    });
    const request = upload('/mugs/import');
    let sent = 0;
    const pump = () => {
      while (sent < 64 && request.write(Buffer.alloc(1_000_000))) sent++;
      if (sent < 64) {
        sent++;
        request.once('drain', pump);
      } else request.end();
    };
    pump();
    await sleep(300);
    expect(sent).toBeLessThan(32);
    goOn();
    expect((await answerOf(request)).json).toMatchObject({ bytes: taken });
    expect(taken).toBeGreaterThan(60_000_000);
  });

  it('is bounded, whether it tells its size or not', async () => {
    rest = await startRest({ rest: { limits: { uploadBytes: 1_000 } } });
    const told = upload('/mugs/import', { 'content-length': 1_001 });
    told.end(Buffer.alloc(1_001));
    expect(await answerOf(told)).toMatchObject({
      status: 413,
      json: { code: 'PAYLOAD_TOO_LARGE', data: { limit: 1_000 } },
    });
    const untold = upload('/mugs/import');
    untold.write(Buffer.alloc(900));
    untold.end(Buffer.alloc(101));
    expect(await answerOf(untold)).toMatchObject({ status: 413 });
  });

  it('is refused to those who may not, who still get to read why', async () => {
    rest = await startRest();
    const request = upload('/mugs/import', { authorization: `Bearer ${tokenOf('staff')}` });
    request.on('error', () => undefined);
    const answer = answerOf(request);
    const flood = setInterval(() => request.write(Buffer.alloc(1_000_000)), 1);
    const { status, headers } = await answer;
    clearInterval(flood);
    expect(status).toBe(403);
    expect(headers.connection).toBe('close');
    request.destroy();
  });

  it('ends its call when the sender leaves', async () => {
    rest = await startRest();
    const request = upload('/mugs/import');
    request.on('error', () => undefined);
    request.write('a,b\n');
    await sleep(50);
    request.destroy();
    await until(() => rest.calls.length === 1);
    expect(rest.calls).toEqual([{ procedure: 'mugs.import', code: 'CANCELLED' }]);
  });
});
