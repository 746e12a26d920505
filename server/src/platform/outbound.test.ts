import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { AddressRefused, createOutbound, type OutboundPolicy } from './outbound.ts';
import type { Resolve } from './resolve.ts';

const open: OutboundPolicy = { httpsOnly: false, allowLoopback: false };
const local: OutboundPolicy = { httpsOnly: false, allowLoopback: true };
let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
});

async function listen(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<number> {
  const started = createServer(answer);
  server = started;
  await new Promise<void>((done) => started.listen(0, '127.0.0.1', done));
  return (started.address() as AddressInfo).port;
}
const post = (
  url: string,
  policy = open,
  { resolve, timeoutMs = 2000 }: { resolve?: Resolve; timeoutMs?: number } = {},
) =>
  createOutbound(policy, resolve).post({
    url,
    headers: { 'content-type': 'text/plain' },
    body: 'hello',
    timeoutMs,
    signal: new AbortController().signal,
  });
const resolving =
  (...addresses: string[]): Resolve =>
  async () =>
    addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));

describe('calls to addresses that somebody else has chosen', () => {
  it.each([
    'http://127.0.0.1/',
    'http://127.1/',
    'http://2130706433/',
    'http://0x7f000001/',
    'http://0x7f.1/',
    'http://0177.0.0.1/',
    'http://[::1]/',
    'http://[::]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::ffff:7f00:1]/',
    'http://[::7f00:1]/',
    'http://[64:ff9b::7f00:1]/',
    'http://[2002:7f00:1::]/',
    'http://[fe80::1]/',
    'http://[fd00::1]/',
    'http://[fec0::1]/',
    'http://[ff02::1]/',
    'http://169.254.169.254/latest/meta-data/',
    'http://[fd00:ec2::254]/',
    'http://10.0.0.8/',
    'http://172.16.0.1/',
    'http://192.168.1.1/',
    'http://100.64.0.1/',
    'http://192.0.2.1/',
    'http://198.18.0.1/',
    'http://0.0.0.0/',
    'http://224.0.0.1/',
    'http://255.255.255.255/',
    'http://１２７.0.0.1/',
  ])('refuse %s before anything is sent', async (url) => {
    expect(() => createOutbound(open).check(url)).toThrow(AddressRefused);
    await expect(post(url)).rejects.toThrow('must not lead into a private network');
  });

  it.each(['file:///etc/passwd', 'gopher://shop.test/', 'ftp://shop.test/', 'http://user:pw@shop.test/', 'nonsense'])(
    'refuse %s',
    (url) => {
      expect(() => createOutbound(open).check(url)).toThrow(AddressRefused);
    },
  );

  it('take http: only outside production, and what is public', () => {
    expect(() => createOutbound({ ...open, httpsOnly: true }).check('http://shop.test/')).toThrow('begin with https:');
    expect(createOutbound({ ...open, httpsOnly: true }).check('https://shop.test/a?b=1').href).toBe(
      'https://shop.test/a?b=1',
    );
    expect(createOutbound(open).check('https://[2606:4700::1111]/').hostname).toBe('[2606:4700::1111]');
    expect(createOutbound(open).check('https://1.1.1.1/').hostname).toBe('1.1.1.1');
  });

  it('refuse a name that leads here, and one of whose addresses leads here', async () => {
    const port = await listen((_, response) => void response.end());
    await expect(post(`http://localhost:${port}/`)).rejects.toThrow('leads into a private network');
    const mixed = resolving('93.184.216.34', '127.0.0.1');
    await expect(post(`http://shop.test:${port}/`, open, { resolve: mixed })).rejects.toThrow(AddressRefused);
    await expect(post('http://shop.test/', open, { resolve: resolving() })).rejects.toThrow(AddressRefused);
    // Leave to call this machine is none to call its network.
    const private10 = resolving('10.0.0.8');
    await expect(post('http://shop.test/', local, { resolve: private10 })).rejects.toThrow(AddressRefused);
  });

  it('go to the address that was looked at, and ask once', async () => {
    const seen: string[] = [];
    const port = await listen((request, response) => {
      request.setEncoding('utf8').on('data', (text: string) => seen.push(`${request.headers.host} ${text}`));
      request.on('end', () => response.writeHead(204).end());
    });
    const answers = [['127.0.0.1'], ['10.0.0.8']];
    let asked = 0;
    const rebinding: Resolve = (name) => resolving(...(answers[asked++] ?? []))(name);
    expect(await post(`http://shop.test:${port}/hook`, local, { resolve: rebinding })).toEqual({
      status: 204,
      retryAfter: null,
    });
    expect([asked, seen]).toEqual([1, [`shop.test:${port} hello`]]);
  });

  it('follow no redirect', async () => {
    let calls = 0;
    const port = await listen((_, response) => {
      calls++;
      response.writeHead(302, { location: '/elsewhere', 'retry-after': '7' }).end();
    });
    expect(await post(`http://127.0.0.1:${port}/`, local)).toEqual({ status: 302, retryAfter: '7' });
    expect(calls).toBe(1);
  });

  it('end in time, whether no answer comes or no name is found', async () => {
    const port = await listen(() => {});
    await expect(post(`http://127.0.0.1:${port}/`, local, { timeoutMs: 100 })).rejects.toThrow(
      'no answer within 100 ms',
    );
    const never: Resolve = () => new Promise(() => {});
    await expect(post('http://shop.test/', open, { resolve: never, timeoutMs: 100 })).rejects.toThrow(
      'no answer within 100 ms',
    );
  });

  it('read no more of an answer than they must', async () => {
    let sent = 0;
    let closed: (bytes: number) => void = () => {};
    const ended = new Promise<number>((resolve) => (closed = resolve));
    const port = await listen((_, response) => {
      response.writeHead(200);
      const more = () => {
        while (!response.destroyed && sent < 200_000_000) {
          sent += 65_536;
          if (response.write(Buffer.alloc(65_536))) continue;
          response.once('drain', more);
          return;
        }
      };
      response.on('close', () => closed(sent));
      more();
    });
    expect(await post(`http://127.0.0.1:${port}/`, local)).toMatchObject({ status: 200 });
    expect(await ended).toBeLessThan(20_000_000);
  });
});
