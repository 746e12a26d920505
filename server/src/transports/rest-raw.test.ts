import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRest, tokenOf, type TestServer } from './testing/rest-server.ts';

// What no client library would send.
let rest: TestServer;
beforeAll(async () => {
  rest = await startRest();
});
afterAll(() => rest.close());

const bearer = `Authorization: Bearer ${tokenOf('owner')}\r\n`;

async function dial(): Promise<Socket> {
  const socket = connect(rest.port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}
async function received(socket: Socket): Promise<string> {
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
  await once(socket, 'close');
  return text;
}
async function exchange(bytes: string | Buffer): Promise<string> {
  const socket = await dial();
  socket.end(bytes);
  return received(socket);
}
const statusOf = (text: string) => Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1]);
const head = (line: string, more = '') => `${line} HTTP/1.1\r\nHost: x\r\n${bearer}Connection: close\r\n${more}\r\n`;

describe('malformed requests', () => {
  it.each([
    ['bytes that are no UTF-8', Buffer.from([0x22, 0xff, 0xfe, 0x22])],
    ['half a character', Buffer.from([0x22, 0xc3, 0x22])],
    ['bytes that are no JSON at all', Buffer.from([0, 1, 2, 3])],
  ])('a body of %s is a 400', async (_, body) => {
    const more = `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n`;
    const text = await exchange(Buffer.concat([Buffer.from(head('POST /api/v1/mugs', more)), body]));
    expect(statusOf(text)).toBe(400);
    expect(text).toContain('INVALID_INPUT');
  });

  it.each(['/api/v1/mugs/%', '/api/v1/mugs/%c0%80', '/api/v1/mugs/named/%00', '/api/v1/mugs?q=%e0%a4'])(
    'the address %s is a 400',
    async (path) => {
      expect(statusOf(await exchange(head(`GET ${path}`)))).toBe(400);
    },
  );

  it('an absolute address does not reach another path', async () => {
    expect(statusOf(await exchange(head('GET http://evil.example/api/v1/mugs')))).toBe(404);
  });

  it('a fragment in the address is cut off', async () => {
    expect(statusOf(await exchange(head('GET /api/v1/mugs#?limit=x')))).toBe(200);
  });

  it.each(['TRACE', 'PROPFIND', 'M-SEARCH'])('the method %s is a 405', async (method) => {
    expect(statusOf(await exchange(head(`${method} /api/v1/mugs`)))).toBe(405);
  });

  it('a GET with a body in chunks is a 400, and the next request on the line is its own', async () => {
    const first = `GET /api/v1/mugs HTTP/1.1\r\nHost: x\r\n${bearer}Transfer-Encoding: chunked\r\n\r\n`;
    const smuggled = '25\r\nDELETE /api/v1/mugs/1 HTTP/1.1\r\nHost: x\r\n\r\n0\r\n\r\n';
    const text = await exchange(first + smuggled + head('GET /api/v1/mugs/named/second'));
    expect(statusOf(text)).toBe(400);
    expect(text).not.toContain('DELETE');
    expect(text.match(/HTTP\/1\.1 \d+/g)?.length).toBeLessThanOrEqual(2);
  });

  it('a body that ends early is nobody’s mug', async () => {
    const before = rest.calls.length;
    const socket = await dial();
    socket.write(
      head('POST /api/v1/mugs', 'Content-Type: application/json\r\nContent-Length: 100\r\n') + '{"name":"half"}',
    );
    await sleep(50);
    socket.destroy();
    await sleep(100);
    expect(rest.calls.slice(before).map(({ code }) => code)).toEqual(['CANCELLED']);
  });

  it('a body larger than allowed is answered before it has all come', async () => {
    const socket = await dial();
    const answer = received(socket);
    socket.on('error', () => undefined);
    socket.write(head('POST /api/v1/mugs', 'Content-Type: application/json\r\nContent-Length: 41943040\r\n'));
    const start = Date.now();
    await sleep(20);
    socket.end();
    expect(statusOf(await answer)).toBe(413);
    expect(Date.now() - start).toBeLessThan(1_000);
  });

  it('an endless body in chunks is cut off after the limit', async () => {
    const socket = await dial();
    const answer = received(socket);
    socket.on('error', () => undefined);
    socket.write(head('POST /api/v1/mugs', 'Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n'));
    const chunk = `10000\r\n${' '.repeat(0x10000)}\r\n`;
    for (let sent = 0; !socket.destroyed && sent < 200; sent++) {
      socket.write(chunk);
      await sleep(1);
    }
    socket.end();
    expect(statusOf(await answer)).toBe(413);
  });

  it('serves the next request on a line that stays open', async () => {
    const first = `GET /api/v1/mugs/17 HTTP/1.1\r\nHost: x\r\n${bearer}\r\n`;
    const text = await exchange(first + head('GET /api/v1/mugs/named/second'));
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 400', 'HTTP/1.1 200']);
  });

  it('answers hundreds of faults without a stray rejection', async () => {
    const stray: unknown[] = [];
    const note = (cause: unknown) => stray.push(cause);
    process.on('unhandledRejection', note);
    for (let round = 0; round < 6; round++)
      await Promise.all(
        Array.from({ length: 50 }, async (_, n) => {
          const socket = await dial();
          socket.on('error', () => undefined);
          socket.write(head(n % 2 ? 'GET /api/v1/mugs/export?count=2000' : 'GET /api/v1/mugs/events?open=true'));
          if (n % 3 === 0) await sleep(2);
          socket.destroy();
        }),
      );
    await sleep(100);
    process.off('unhandledRejection', note);
    expect(stray).toEqual([]);
    expect(statusOf(await exchange(head('GET /api/v1/mugs')))).toBe(200);
  });
});
