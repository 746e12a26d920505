import { connect } from 'node:net';
import { deflateRawSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startOlympus, type Olympus } from '../harness.ts';
import { bomb, png, smallest } from './pictures.ts';
import { filesIn, openShop, type Problem, type Product, type Shop } from './shop.ts';

let olympus: Olympus;
let shop: Shop;
let product: Product;
beforeAll(async () => {
  olympus = await startOlympus({ OLYMPUS_IMAGE_MAX_BYTES: '1000000', OLYMPUS_STORAGE_QUOTA_BYTES: '3000000' });
  shop = await openShop(olympus);
  product = await shop.product();
});
afterAll(() => olympus.close());

const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)" width="1" height="1"/>');
const html = Buffer.from('<!doctype html><script>alert(1)</script>'.padEnd(200));
const zip = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), deflateRawSync(Buffer.alloc(100_000))]);

/** Sends a part of a request and leaves, or waits for the answer. */
function raw(head: string[], body: Uint8Array, { leave }: { leave: boolean }): Promise<string> {
  const { hostname, port } = new URL(olympus.url);
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(Number(port), hostname);
    socket.once('error', reject);
    socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
    socket.once('close', () => resolve(answer));
    socket.write(
      [
        `PUT /api/v1/products/${product.id}/image HTTP/1.1`,
        'Host: localhost',
        `Authorization: Bearer ${shop.token}`,
        ...head,
        '',
        '',
      ].join('\r\n'),
    );
    socket.write(body, () => {
      if (leave) setTimeout(() => socket.destroy(), 100);
    });
  });
}
const nothingLeft = () => expect.poll(() => filesIn(olympus.config.files.dir), { timeout: 15_000 }).toEqual([]);

describe('what is no image that is taken', () => {
  it.each<[string, Uint8Array, string, number, string]>([
    ['SVG', svg, 'image/png', 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['SVG that says so', svg, 'image/svg+xml', 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['HTML', html, 'image/gif', 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['a ZIP', zip, 'image/png', 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['a JPEG that is said to be PNG', smallest['image/jpeg']!, 'image/png', 415, 'UNSUPPORTED_MEDIA_TYPE'],
    [
      'PDF after three bytes of GIF',
      Buffer.from('GIF%PDF-1.7'.padEnd(100)),
      'image/gif',
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    ],
    ['nothing but a signature', png().subarray(0, 16), 'image/png', 422, 'IMAGE_REFUSED'],
    ['no pixels', png(0, 3), 'image/png', 422, 'IMAGE_REFUSED'],
    ['a decompression bomb', bomb(), 'image/png', 422, 'IMAGE_REFUSED'],
    ['too many bytes', png(4, 3, 1_000_001), 'image/png', 413, 'PAYLOAD_TOO_LARGE'],
    ['an empty body', new Uint8Array(0), 'image/png', 400, 'INVALID_INPUT'],
  ])('%s', async (_, bytes, type, status, code) => {
    const answer = await shop.put<Problem>(product.id, bytes, type);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    await nothingLeft();
  });

  it('is told why', async () => {
    const detail = async (bytes: Uint8Array, type: string) =>
      (await shop.put<Problem>(product.id, bytes, type)).body.detail;
    expect(await detail(smallest['image/jpeg']!, 'image/png')).toBe(
      'The content is image/jpeg, which was declared to be image/png',
    );
    expect(await detail(bomb(), 'image/png')).toBe('The image has 50000 × 50000 pixels; at most 50000000 are taken');
  });

  it('is not unpacked first', async () => {
    const answer = await shop.put<Problem>(product.id, gzipSync(Buffer.alloc(10_000_000)), 'image/png', {
      'content-encoding': 'gzip',
    });
    expect([answer.status, answer.body.code]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE']);
  });

  it('is refused before it has all come', async () => {
    // The length promises far more than is ever sent.
    const answer = await raw(['Content-Type: image/png', 'Content-Length: 100000000'], html, { leave: false });
    expect(answer).toMatch(/^HTTP\/1\.1 415 /);
    await nothingLeft();
  });

  it('leaves nothing when it breaks off', async () => {
    const half = png(4, 3, 600_000).subarray(0, 400_000);
    await raw(['Content-Type: image/png', 'Content-Length: 600100'], half, { leave: true });
    await nothingLeft();
    expect((await shop.get(product.id)).image).toBeNull();
  });
});

describe('a form', () => {
  const part = (name: string, type: string, body: Uint8Array, extra = '') =>
    Buffer.concat([
      Buffer.from(
        `--cut\r\nContent-Disposition: form-data; name="${name}"; filename="x"\r\nContent-Type: ${type}\r\n${extra}\r\n`,
      ),
      body,
      Buffer.from('\r\n'),
    ]);
  const end = Buffer.from('--cut--\r\n');
  const image = part('image', 'image/png', png());
  it.each<[string, Buffer, number]>([
    ['whose boundary never comes', image, 400],
    ['cut within its end', Buffer.concat([image, end.subarray(0, 4)]), 400],
    ['of two files', Buffer.concat([image, part('more', 'image/png', png()), end]), 400],
    [
      'of a field',
      Buffer.concat([Buffer.from('--cut\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'), end]),
      400,
    ],
    ['of nothing', end, 400],
    ['whose file says it is text', Buffer.concat([part('image', 'text/plain', png()), end]), 415],
    [
      'in base64',
      Buffer.concat([part('image', 'image/png', png(), 'Content-Transfer-Encoding: base64\r\n'), end]),
      400,
    ],
    ['with a head that never ends', Buffer.concat([Buffer.from(`--cut\r\nX: ${'y'.repeat(100_000)}`), end]), 400],
  ])('%s is refused', async (_, body, status) => {
    const answer = await shop.put<Problem>(product.id, body, 'multipart/form-data; boundary=cut');
    expect(answer.status, JSON.stringify(answer.body)).toBe(status);
    await nothingLeft();
  });

  it('without a boundary is refused', async () => {
    const answer = await shop.put<Problem>(product.id, Buffer.concat([image, end]), 'multipart/form-data');
    expect([answer.status, answer.body.code]).toEqual([400, 'INVALID_INPUT']);
  });

  it('may carry a polyglot, which is served as what it is checked to be', async () => {
    const { id } = await shop.product();
    const polyglot = Buffer.concat([smallest['image/gif']!, html]);
    const { status } = await shop.put(
      id,
      Buffer.concat([part('image', 'image/gif', polyglot), end]),
      'multipart/form-data; boundary=cut',
    );
    expect(status).toBe(200);
    const response = await shop.fetch(`/products/${id}/image`, { accept: 'text/html,*/*' });
    expect(response.headers.get('content-type')).toBe('image/gif');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('content-disposition')).toMatch(/^attachment/);
  });
});

describe('the quota of a tenant', () => {
  it('counts what it keeps, and gives back what goes', async () => {
    const own = await openShop(olympus);
    const ids = [];
    for (let n = 0; n < 3; n++) {
      const { id } = await own.product();
      ids.push(id);
      expect((await own.put(id, png(4, 3, 900_000))).status).toBe(200);
    }
    const { id } = await own.product();
    const refused = await own.put<Problem>(id, png(4, 3, 900_000));
    expect([refused.status, refused.body.code]).toEqual([413, 'STORAGE_QUOTA_EXCEEDED']);
    expect(refused.body.data).toMatchObject({ quota: 3_000_000 });
    // Replacing takes no more than it gives.
    expect((await own.put(ids[0]!, png(4, 3, 900_000))).status).toBe(200);
    await own.fetch(`/products/${ids[1]}/image`, {}, 'DELETE');
    expect((await own.put(id, png(4, 3, 900_000))).status).toBe(200);
  });
});
