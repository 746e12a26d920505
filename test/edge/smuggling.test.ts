import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startOlympus, type Olympus } from '../harness.ts';
import { tell } from './wire.ts';

let olympus: Olympus;
beforeAll(async () => {
  olympus = await startOlympus();
});
afterAll(() => olympus.close());

const body = '{"refreshToken":"x"}';
/** A second request, hidden in what one of two servers in a row would take for the body of the first. */
const hidden = 'GET /health/live HTTP/1.1\r\nHost: olympus\r\n\r\n';
const post = (headers: readonly string[], content: string) =>
  [
    'POST /api/v1/auth/refresh HTTP/1.1',
    'Host: olympus',
    'Content-Type: application/json',
    ...headers,
    '',
    content,
  ].join('\r\n');
const get = (headers: readonly string[], target = '/health/live', content = '') =>
  [`GET ${target} HTTP/1.1`, ...headers, '', content].join('\r\n');
const chunked = (content: string) => `${content.length.toString(16)}\r\n${content}\r\n0\r\n\r\n`;
const length = `Content-Length: ${body.length}`;
const coding = 'Transfer-Encoding: chunked';

const corpus: [string, string][] = [
  ['a length and a coding', post([length, coding], chunked(body) + hidden)],
  ['a coding and a length', post([coding, 'Content-Length: 4'], chunked(body) + hidden)],
  ['a coding and a length of 0', post([coding, 'Content-Length: 0'], chunked(body) + hidden)],
  ['two lengths', post([length, 'Content-Length: 0'], body + hidden)],
  ['two equal lengths', post([length, length], body + hidden)],
  ['a list of lengths', post([`Content-Length: ${body.length}, ${body.length}`], body + hidden)],
  ['a signed length', post([`Content-Length: +${body.length}`], body + hidden)],
  ['a negative length', post(['Content-Length: -1'], body + hidden)],
  ['a length in hexadecimal', post(['Content-Length: 0x14'], body + hidden)],
  ['a length with letters behind', post([`Content-Length: ${body.length}a`], body + hidden)],
  ['a length beyond all numbers', post(['Content-Length: 99999999999999999999999'], body + hidden)],
  ['an empty length', post(['Content-Length:'], body + hidden)],
  ['a space before the colon', post([`Content-Length : ${body.length}`], body + hidden)],
  ['a coding with a space before the colon', post(['Transfer-Encoding : chunked', length], chunked(body) + hidden)],
  ['a coding that is none', post(['Transfer-Encoding: xchunked'], chunked(body) + hidden)],
  ['a coding behind chunked', post(['Transfer-Encoding: chunked, identity'], chunked(body) + hidden)],
  ['a coding before chunked', post(['Transfer-Encoding: gzip, chunked'], chunked(body) + hidden)],
  ['chunked twice', post(['Transfer-Encoding: chunked, chunked'], chunked(body) + hidden)],
  ['two codings', post([coding, 'Transfer-Encoding: identity'], chunked(body) + hidden)],
  ['two codings, the other way', post(['Transfer-Encoding: identity', coding], chunked(body) + hidden)],
  ['a coding in quotes', post(['Transfer-Encoding: "chunked"'], chunked(body) + hidden)],
  ['a coding behind a vertical tab', post(['Transfer-Encoding: \x0bchunked', length], chunked(body) + hidden)],
  ['a coding on a folded line', post(['Transfer-Encoding:', ' chunked', length], chunked(body) + hidden)],
  ['a coding behind a bare line feed', post([`X: y\n${coding}`, length], chunked(body) + hidden)],
  ['a coding behind a bare carriage return', post([`X: y\r${coding}`, length], chunked(body) + hidden)],
  ['a NUL in a header', post(['X: a\0b', length], body + hidden)],
  ['a header without a name', post([': y', length], body + hidden)],
  ['a header without a colon', post(['X', length], body + hidden)],
  ['a size of a chunk that is none', post([coding], `0x14\r\n${body}\r\n0\r\n\r\n${hidden}`)],
  ['a signed size of a chunk', post([coding], `+14\r\n${body}\r\n0\r\n\r\n${hidden}`)],
  ['a size of a chunk beyond all numbers', post([coding], `fffffffffffffffff14\r\n${body}\r\n0\r\n\r\n${hidden}`)],
  ['a chunk longer than its size', post([coding], `2\r\n${body}\r\n0\r\n\r\n${hidden}`)],
  ['chunks that end in bare line feeds', post([coding], `14\n${body}\n0\n\n${hidden}`)],
  ['a chunk extension with a bare line feed', post([coding], `14;a\nb\r\n${body}\r\n0\r\n\r\n${hidden}`)],
  ['two hosts', get(['Host: olympus', 'Host: evil'], '/health/live', hidden)],
  ['two equal hosts', get(['Host: olympus', 'host: olympus'], '/health/live', hidden)],
  ['no host', get(['Accept: */*'], '/health/live', hidden)],
  ['a host on a folded line', get(['Host: olympus', ' evil'], '/health/live', hidden)],
  ['an absolute address of another host', get(['Host: olympus'], 'http://evil/health/live', hidden)],
  ['an absolute address with a user', get(['Host: olympus'], 'http://olympus@evil/health/live', hidden)],
  ['an address of no web', get(['Host: olympus'], 'gopher://olympus/health/live', hidden)],
  ['an address that is no path', get(['Host: olympus'], 'health/live', hidden)],
  ['GET with a body', get(['Host: olympus', `Content-Length: ${hidden.length}`], '/health/live', hidden)],
  ['GET with chunks', get(['Host: olympus', coding], '/health/live', chunked('x') + hidden)],
  [
    'HEAD with a body',
    get(['Host: olympus', 'Content-Length: 5'], '/health/live', `hello${hidden}`).replace('GET', 'HEAD'),
  ],
  ['chunks in HTTP/1.0', post([coding], chunked(body) + hidden).replace('HTTP/1.1', 'HTTP/1.0')],
  ['HTTP/0.9', `GET /health/live\r\n\r\n${hidden}`],
  ['HTTP/1.2', `GET /health/live HTTP/1.2\r\nHost: olympus\r\n\r\n${hidden}`],
  ['HTTP/2 with prior knowledge', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  [
    'a change to h2c',
    get(
      ['Host: olympus', 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__'],
      '/health/live',
      hidden,
    ),
  ],
  ['a change to h2c at the socket', get(['Host: olympus', 'Connection: Upgrade', 'Upgrade: h2c'], '/ws', hidden)],
  [
    'a WebSocket with a body',
    get(['Host: olympus', 'Connection: Upgrade', 'Upgrade: websocket', 'Content-Length: 5'], '/ws', `hello${hidden}`),
  ],
  [
    'two credentials',
    get(['Host: olympus', 'Authorization: Bearer a', 'Authorization: Bearer b'], '/api/v1/products', hidden),
  ],
  ['a tunnel', 'CONNECT evil:443 HTTP/1.1\r\nHost: evil:443\r\n\r\n'],
  ['a method in small letters', `get /health/live HTTP/1.1\r\nHost: olympus\r\n\r\n${hidden}`],
  [
    '3,000 headers',
    get(
      ['Host: olympus', ...Array.from({ length: 3000 }, (_, i) => `X-Padding-${i}: ${'x'.repeat(8)}`)],
      '/health/live',
      hidden,
    ),
  ],
];

describe('a request that two servers could read in two ways', () => {
  it.concurrent.each(corpus)('%s: 400 or no answer, and the connection ends', async (_, bytes) => {
    const { statuses, closed, text } = await tell(olympus.url, bytes, 3000);
    expect(closed, text).toBe(true);
    expect(statuses.length, text).toBeLessThanOrEqual(1);
    expect([undefined, 400, 431], text).toContain(statuses[0]);
  });

  it('a plain one is answered, and the next on its connection, too', async () => {
    const { statuses } = await tell(olympus.url, get(['Host: olympus'], '/health/live', hidden));
    expect(statuses).toEqual([200, 200]);
    const absolute = await tell(olympus.url, get(['Host: Olympus'], 'http://olympus/health/live'));
    expect(absolute.statuses).toEqual([200]);
    const answered = await tell(olympus.url, post([coding], chunked(body)));
    expect(answered.statuses).toEqual([401]);
  });
});
