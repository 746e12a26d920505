import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';
import { createGzip } from 'node:zlib';
import { afterEach, expect, it } from 'vitest';
import { boundedFetch } from './bounded-fetch.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});
async function listen(server: Server): Promise<string> {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
const serve = (answer: RequestListener) => listen(createServer(answer));

const maxBytes = 64 * 1024;
const timeoutMs = 1000;
const ask = boundedFetch({ timeoutMs, maxBytes });
const zeros = Buffer.alloc(64 * 1024);

it('follows no redirect, wherever it leads', async () => {
  let visits = 0;
  const inside = await serve((_, response) => {
    visits++;
    response.end();
  });
  for (const status of [301, 302, 303, 307, 308]) {
    const url = await serve((_, response) => void response.writeHead(status, { location: `${inside}/metadata` }).end());
    expect((await ask(url)).status).toBe(status);
  }
  expect(visits).toBe(0);
});

it('takes no more of an answer without end than it may', async () => {
  let sent = 0;
  const url = await serve((_, response) => {
    const more = () => {
      while (!response.destroyed && response.write(zeros)) sent += zeros.length;
    };
    response.on('drain', more);
    more();
  });
  await expect(ask(url)).rejects.toThrow('larger than 65536 bytes');
  // What the system keeps of a connection on its way is all that was sent beyond.
  expect(sent).toBeLessThan(64 * 2 ** 20);
});

it('counts what is packed by what it unpacks to', async () => {
  let unpacked = 0;
  const url = await serve((_, response) => {
    response.writeHead(200, { 'content-encoding': 'gzip' });
    const gzip = createGzip({ level: 9 });
    gzip.pipe(response);
    for (; unpacked < 200 * 2 ** 20; unpacked += zeros.length) gzip.write(zeros);
    gzip.end();
  });
  const before = process.memoryUsage().rss;
  await expect(ask(url)).rejects.toThrow('larger than 65536 bytes');
  expect(unpacked).toBe(200 * 2 ** 20);
  expect(process.memoryUsage().rss - before).toBeLessThan(400 * 2 ** 20);
});

it('waits no longer for all of an answer than it may, though a little comes all the time', async () => {
  const url = await serve((_, response) => {
    const drip = setInterval(() => response.write('x'), 50);
    response.once('close', () => clearInterval(drip));
  });
  const start = performance.now();
  await expect(ask(url)).rejects.toThrow(/timeout/i);
  expect(performance.now() - start).toBeLessThan(3 * timeoutMs);
});

it.each([
  'HTTP/1.1 200 OK\r\nX-A: b\rSet-Cookie: x=y\r\nContent-Length: 2\r\n\r\n{}',
  'HTTP/1.1 200 OK\r\nX-A: b\0c\r\nContent-Length: 2\r\n\r\n{}',
  'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{}',
  '{}',
])('takes nothing from %j', async (text) => {
  const url = await listen(createTcpServer((socket) => void socket.on('error', () => undefined).end(text)));
  await expect(ask(url)).rejects.toThrow(/^(fetch failed|terminated)$/);
});
