import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { afterEach, expect, it } from 'vitest';
import { startRest, tokenOf, type TestServer } from './testing/rest-server.ts';

let rest: TestServer;
afterEach(() => rest.close());

/** A stream that stays open. */
async function open(accept = 'text/event-stream') {
  const request = httpRequest({
    host: '127.0.0.1',
    port: rest.port,
    path: '/api/v1/mugs/events?open=true&count=0',
    agent: false,
    headers: { authorization: `Bearer ${tokenOf('owner')}`, accept },
  });
  request.on('error', () => undefined).end();
  if (accept === 'text/event-stream') {
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    response.on('error', () => undefined).resume();
  }
  return request;
}
const another = (method = 'GET') => rest.send(`${method} /mugs/events?open=true&count=0`);

it('so many streams of a user are open at once, and an end makes room', async () => {
  rest = await startRest({ streams: { perUser: 3, perTenant: 10 } });
  const streams = [await open(), await open(), await open('application/json')];
  await expect.poll(() => rest.openStreams()).toBe(3);
  const refused = await another();
  expect(refused.status).toBe(429);
  expect(refused.headers['retry-after']).toBe('10');
  const data = { cap: 'user', limit: 3, retryAfter: 10 };
  expect(refused.json).toMatchObject({ code: 'TOO_MANY_STREAMS', data });
  expect((await rest.send('GET /mugs')).status).toBe(200);
  for (const stream of streams) {
    stream.destroy();
    await expect.poll(() => rest.openStreams()).toBe(2);
    streams.push(await open());
    if (streams.length === 6) break;
  }
  expect((await another()).status).toBe(429);
  for (const stream of streams) stream.destroy();
  await expect.poll(() => rest.openStreams()).toBe(0);
});

it('so do those of a tenant', async () => {
  rest = await startRest({ streams: { perUser: 10, perTenant: 1 } });
  const stream = await open();
  expect((await another()).json).toMatchObject({ data: { cap: 'tenant', limit: 1 } });
  stream.destroy();
});

it('what never begins, or ends by itself, holds none', async () => {
  rest = await startRest({ streams: { perUser: 1, perTenant: 1 } });
  for (let round = 0; round < 3; round++) {
    expect((await another('HEAD')).status).toBe(200);
    expect((await rest.send('GET /mugs/events?failWith=now')).status).toBe(503);
    expect((await rest.send('GET /mugs/events?failWith=later')).status).toBe(200);
    expect((await rest.send('GET /mugs/events?count=x')).status).toBe(400);
    expect((await rest.send('GET /mugs/events')).status).toBe(200);
    expect((await rest.send('GET /mugs/export')).status).toBe(200);
  }
  expect(rest.openStreams()).toBe(0);
});
