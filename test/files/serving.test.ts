import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startOlympus, type Olympus } from '../harness.ts';
import { png } from './pictures.ts';
import { openShop, type Problem, type Shop } from './shop.ts';

let olympus: Olympus;
let shop: Shop;
let path: string;
let link: string;
const bytes = png(20, 10, 5000);
beforeAll(async () => {
  olympus = await startOlympus();
  shop = await openShop(olympus);
  const { id } = await shop.product();
  const { image } = (await shop.put(id, bytes)).body;
  path = `/files/${image?.id}`;
  link = image?.url ?? '';
});
afterAll(() => olympus.close());

const bytesOf = async (response: Response) => Buffer.from(await response.arrayBuffer());

describe('bytes are served', () => {
  it('as an attachment that no browser runs', async () => {
    for (const response of [await shop.fetch(path), await fetch(new URL(link, olympus.url))]) {
      expect(response.status).toBe(200);
      expect(await bytesOf(response)).toEqual(bytes);
      expect(Object.fromEntries(response.headers)).toMatchObject({
        'content-type': 'image/png',
        'content-length': String(bytes.length),
        'content-disposition': `attachment; filename="${path.slice('/files/'.length)}.png"`,
        'x-content-type-options': 'nosniff',
        'content-security-policy': "sandbox; default-src 'none'",
        'cache-control': 'private, max-age=300',
        'accept-ranges': 'bytes',
      });
    }
  });

  it.each([
    ['bytes=0-99', 0, 99],
    ['bytes=100-', 100, bytes.length - 1],
    ['bytes=-10', bytes.length - 10, bytes.length - 1],
    ['bytes=5-999999', 5, bytes.length - 1],
  ])('in part: %s', async (range, start, end) => {
    const response = await shop.fetch(path, { range });
    expect(response.status).toBe(206);
    expect(response.headers.get('content-range')).toBe(`bytes ${start}-${end}/${bytes.length}`);
    expect(await bytesOf(response)).toEqual(bytes.subarray(start, end + 1));
  });

  it('not beyond their end', async () => {
    const response = await shop.fetch(path, { range: `bytes=${bytes.length}-` });
    expect(response.status).toBe(416);
    expect(response.headers.get('content-range')).toBe(`bytes */${bytes.length}`);
    const problem = (await response.json()) as Problem;
    expect(problem).toMatchObject({ code: 'RANGE_NOT_SATISFIABLE', data: { bytes: bytes.length } });
  });

  it.each(['bytes=0-1,5-6', 'lines=1-2'])('whole for %s', async (range) => {
    const response = await shop.fetch(path, { range });
    expect(response.status).toBe(200);
    expect(await bytesOf(response)).toEqual(bytes);
  });

  it('again only when they are others', async () => {
    const first = await shop.fetch(path);
    await first.arrayBuffer();
    const [etag, modified] = [first.headers.get('etag') ?? '', first.headers.get('last-modified') ?? ''];
    expect(etag).toMatch(/^"[0-9a-f]{64}"$/);
    // A browser's fetch would answer a condition of ours from what it keeps; this one sends it as it is.
    const status = async (headers: Record<string, string>) => (await shop.fetch(path, headers)).status;
    expect(await status({ 'if-none-match': etag, 'cache-control': 'max-age=60' })).toBe(304);
    expect(await status({ 'if-none-match': '"other"', 'cache-control': 'max-age=60' })).toBe(200);
    expect(await status({ 'if-modified-since': modified, 'cache-control': 'max-age=60' })).toBe(304);
    expect(await status({ range: 'bytes=0-1', 'if-range': etag })).toBe(206);
    expect(await status({ range: 'bytes=0-1', 'if-range': modified })).toBe(206);
    expect(await status({ range: 'bytes=0-1', 'if-range': '"other"' })).toBe(200);
    expect(await status({ range: 'bytes=0-1', 'if-range': `W/${etag}` })).toBe(200);
  });

  it('by HEAD as by GET, without them', async () => {
    const response = await shop.fetch(path, {}, 'HEAD');
    expect(response.headers.get('content-length')).toBe(String(bytes.length));
    expect((await response.arrayBuffer()).byteLength).toBe(0);
    const part = await shop.fetch(path, { range: 'bytes=0-1' }, 'HEAD');
    expect([part.status, part.headers.get('content-length')]).toEqual([206, '2']);
  });

  it('to nobody without a credential, nor by a link that is not one', async () => {
    expect((await fetch(`${olympus.url}/api/v1${path}`)).status).toBe(401);
    const at = link.lastIndexOf('/') + 1;
    const token = link.slice(at);
    for (let place = 0; place < token.length; place++) {
      const other = token[place] === 'A' ? 'B' : 'A';
      const forged = link.slice(0, at) + token.slice(0, place) + other + token.slice(place + 1);
      const response = await fetch(new URL(forged, olympus.url));
      expect([response.status, ((await response.json()) as Problem).code], String(place)).toEqual([
        403,
        'FILE_LINK_INVALID',
      ]);
    }
    const refused = await fetch(new URL(link, olympus.url), { headers: { authorization: 'Bearer forged' } });
    expect(refused.status).toBe(401);
  });
});
