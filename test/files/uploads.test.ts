import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Upload, type UploadOptions } from 'tus-js-client';
import { createStore, registerTenant, rest, startOlympus, type Olympus } from '../harness.ts';
import { olympus as startProcess, type Served } from '../processes.ts';
import { png } from './pictures.ts';
import { filesIn, openShop, type Problem, type Product, type Shop } from './shop.ts';

/** Sends bytes by the stock client; resolves to its address, or rejects with the client's own error. */
function send(url: string, token: string, bytes: Buffer, options: Partial<UploadOptions> = {}): Promise<Upload> {
  return new Promise((resolve, reject) => {
    const upload: Upload = new Upload(bytes, {
      endpoint: `${url}/api/v1/uploads`,
      headers: { authorization: `Bearer ${token}` },
      retryDelays: null,
      chunkSize: 64 * 1024,
      onError: reject,
      onSuccess: () => resolve(upload),
      ...options,
    });
    upload.start();
  });
}

describe('resumable uploads by the stock client', () => {
  let olympus: Olympus;
  let shop: Shop;
  beforeAll(async () => {
    olympus = await startOlympus({ OLYMPUS_IMAGE_MAX_BYTES: '1000000', OLYMPUS_STORAGE_QUOTA_BYTES: '3000000' });
    shop = await openShop(olympus);
  });
  afterAll(() => olympus.close());
  const bytes = png(30, 20, 300_000);
  const idOf = (upload: Upload) => upload.url?.split('/').at(-1) ?? '';

  it('become the image of the product that they name', async () => {
    const { id } = await shop.product();
    await send(olympus.url, shop.token, bytes, { metadata: { filetype: 'image/png', productId: id } });
    expect((await shop.get(id)).image).toMatchObject({ width: 30, height: 20, bytes: bytes.length });
    const response = await shop.fetch(`/products/${id}/image`);
    expect(Buffer.from(await response.arrayBuffer())).toEqual(bytes);
  });

  it('are used by their id, once', async () => {
    const { id } = await shop.product();
    const upload = await send(olympus.url, shop.token, bytes);
    const call = { method: 'PUT', path: `/products/${id}/image`, token: shop.token, body: { uploadId: idOf(upload) } };
    const first = await rest<Product>(olympus.url, call);
    expect([first.status, first.body.image?.bytes]).toEqual([200, bytes.length]);
    expect((await rest<Problem>(olympus.url, call)).body.code).toBe('UPLOAD_NOT_FOUND');
  });

  it('go on where they stopped', async () => {
    const { id } = await shop.product();
    let left = '';
    await new Promise<void>((resolve, reject) => {
      const upload: Upload = new Upload(bytes, {
        endpoint: `${olympus.url}/api/v1/uploads`,
        headers: { authorization: `Bearer ${shop.token}` },
        metadata: { productId: id },
        chunkSize: 64 * 1024,
        onError: reject,
        onChunkComplete: (_size, accepted) => {
          left = upload.url ?? '';
          if (accepted >= 128 * 1024) void upload.abort().then(resolve, reject);
        },
      });
      upload.start();
    });
    const state = await rest<{ offset: number; length: number }>(olympus.url, {
      path: `/files/uploads/${left.split('/').at(-1)}`,
      token: shop.token,
    });
    expect(state.body).toMatchObject({ offset: 128 * 1024, length: bytes.length });
    await send(olympus.url, shop.token, bytes, { uploadUrl: left });
    expect((await shop.get(id)).image?.bytes).toBe(bytes.length);
  });

  it('are given up with all that came of them', async () => {
    const upload = await send(olympus.url, shop.token, bytes);
    await upload.abort(true);
    expect((await rest(olympus.url, { path: `/files/uploads/${idOf(upload)}`, token: shop.token })).status).toBe(404);
    await expect
      .poll(async () => (await filesIn(olympus.config.files.dir)).includes(idOf(upload)), { timeout: 12_000 })
      .toBe(false);
  });

  const codeOf = async (sending: Promise<unknown>) => {
    const error = (await sending.catch((cause: unknown) => cause)) as {
      originalResponse?: { getStatus(): number; getBody(): string };
    };
    const answer = error.originalResponse;
    return [answer?.getStatus(), (JSON.parse(answer?.getBody() || '{}') as { code?: string }).code];
  };

  it('are refused for what they are, where they come from, and how much they hold', async () => {
    const { id } = await shop.product();
    const { url } = olympus;
    const metadata = { productId: id };
    const html = Buffer.from('<script>alert(1)</script>'.padEnd(100_000));
    expect(await codeOf(send(url, shop.token, html, { metadata }))).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE']);
    expect(await codeOf(send(url, 'forged', bytes))).toEqual([401, 'UNAUTHENTICATED']);
    expect(await codeOf(send(url, shop.token, png(4, 3, 1_000_001)))).toEqual([413, 'PAYLOAD_TOO_LARGE']);
    const filetype = { filetype: 'image/svg+xml' };
    expect(await codeOf(send(url, shop.token, bytes, { metadata: filetype }))).toEqual([400, 'INVALID_INPUT']);
    const stranger = await openShop(olympus);
    expect(await codeOf(send(url, stranger.token, bytes, { metadata }))).toEqual([404, 'PRODUCT_NOT_FOUND']);
    const own = await send(url, shop.token, bytes);
    const foreign = await fetch(own.url ?? '', {
      method: 'HEAD',
      headers: { authorization: `Bearer ${stranger.token}`, 'tus-resumable': '1.0.0' },
    });
    expect(foreign.status).toBe(404);
    expect((await shop.get(id)).image).toBeNull();
  });

  it('count against the quota from their beginning', async () => {
    const own = await openShop(olympus);
    const begin = () =>
      rest<Problem>(olympus.url, {
        method: 'POST',
        path: '/files/uploads',
        token: own.token,
        body: { length: 900_000 },
      });
    const answers = await Promise.all([begin(), begin(), begin(), begin()]);
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 201, 201, 413]);
    expect(answers.find(({ status }) => status === 413)?.body.code).toBe('STORAGE_QUOTA_EXCEEDED');
  });

  it('tell what the server can do, and refuse other versions and lengths to come', async () => {
    const uploads = `${olympus.url}/api/v1/uploads`;
    const options = await fetch(uploads, { method: 'OPTIONS' });
    expect(options.headers.get('tus-version')).toBe('1.0.0');
    expect(options.headers.get('tus-extension')).toBe('creation,termination,expiration');
    const headers = { authorization: `Bearer ${shop.token}`, 'upload-length': '10' };
    expect((await fetch(uploads, { method: 'POST', headers })).status).toBe(412);
    const later = { authorization: `Bearer ${shop.token}`, 'tus-resumable': '1.0.0', 'upload-defer-length': '1' };
    expect((await fetch(uploads, { method: 'POST', headers: later })).status).toBe(400);
    const made = await fetch(uploads, { method: 'POST', headers: { ...headers, 'tus-resumable': '1.0.0' } });
    expect([made.status, Number.isNaN(Date.parse(made.headers.get('upload-expires') ?? ''))]).toEqual([201, false]);
  });
});

describe('a server that is killed', () => {
  it('goes on with uploads, and sweeps what was half written', async () => {
    const store = await createStore();
    let served: Served = await startProcess({ ...store.env, RATE_LIMITS: 'off' });
    try {
      const { accessToken: token } = await registerTenant(served.url);
      const body = { sku: 'MUG', name: 'Mug', price: { amount: '4.95', currency: 'GBP' } };
      const made = await rest<Product>(served.url, { method: 'POST', path: '/products', token, body });
      const { id } = made.body;
      const folder = `${store.env['OLYMPUS_DATA_DIR']}/files`;

      // A form that never ends: half of it is on disk when the process dies.
      const endless = new Readable({ read() {} });
      endless.push(png(4, 3, 2_000_000).subarray(0, 1_000_000));
      const direct = fetch(`${served.url}/api/v1/products/${id}/image`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'image/png' },
        body: Readable.toWeb(endless) as ReadableStream<Uint8Array>,
        duplex: 'half',
      } as RequestInit).catch(() => null);
      await expect.poll(() => filesIn(`${folder}/incoming`), { timeout: 10_000 }).toHaveLength(1);

      const bytes = png(40, 30, 500_000);
      let url = '';
      let accepted = 0;
      await new Promise<void>((died) => {
        const upload: Upload = new Upload(bytes, {
          endpoint: `${served.url}/api/v1/uploads`,
          headers: { authorization: `Bearer ${token}` },
          metadata: { productId: id },
          chunkSize: 100_000,
          retryDelays: null,
          onError: () => died(),
          onChunkComplete: (_size, offset) => {
            accepted = offset;
            url = upload.url ?? '';
            if (offset >= 200_000) void served.stop('SIGKILL');
          },
        });
        upload.start();
      });
      await served.stop('SIGKILL');
      await direct;
      endless.destroy();

      served = await startProcess({ ...store.env, RATE_LIMITS: 'off' });
      if (store.kind === 'embedded') expect(await filesIn(`${folder}/incoming`)).toEqual([]);
      const resumed = new URL(url);
      resumed.port = new URL(served.url).port;
      const state = await fetch(resumed, {
        method: 'HEAD',
        headers: { authorization: `Bearer ${token}`, 'tus-resumable': '1.0.0' },
      });
      expect(Number(state.headers.get('upload-offset'))).toBeGreaterThanOrEqual(accepted);
      await send(served.url, token, bytes, { uploadUrl: resumed.href });
      const { body: product } = await rest<Product>(served.url, { path: `/products/${id}`, token });
      expect(product.image).toMatchObject({ width: 40, height: 30, bytes: bytes.length });
    } finally {
      await served.stop('SIGKILL');
      await store.remove();
    }
  }, 60_000);
});
