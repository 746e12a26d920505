import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rest, startOlympus, type Olympus } from '../harness.ts';
import { png, smallest } from './pictures.ts';
import { filesIn, openShop, type Problem, type Shop } from './shop.ts';

let olympus: Olympus;
let shop: Shop;
let stranger: Shop;
beforeAll(async () => {
  olympus = await startOlympus();
  [shop, stranger] = [await openShop(olympus), await openShop(olympus)];
});
afterAll(() => olympus.close());

const kept = () => filesIn(olympus.config.files.dir);
const bytesOf = async (response: Response) => Buffer.from(await response.arrayBuffer());

describe('the image of a product', () => {
  it.each(Object.entries(smallest))('may be %s, told by its content', async (mediaType, bytes) => {
    const { id } = await shop.product();
    const { status, body } = await shop.put(id, bytes, mediaType);
    expect(status, JSON.stringify(body)).toBe(200);
    expect(body.image).toMatchObject({ mediaType, width: 1, height: 1, bytes: bytes.length });
    expect(body.version).toBe(2);
    const response = await shop.fetch(`/products/${id}/image`);
    expect(response.headers.get('content-type')).toBe(mediaType);
    expect(await bytesOf(response)).toEqual(bytes);
  });

  it('comes as a form, whatever its file is called', async () => {
    for (const name of ['../../../etc/passwd', 'a\0b.png', 'mug.png', '"; rm -rf']) {
      const { id } = await shop.product();
      const form = new FormData();
      form.append('image', new Blob([new Uint8Array(png(7, 5))], { type: 'image/png' }), name);
      const response = await fetch(`${olympus.url}/api/v1/products/${id}/image`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${shop.token}` },
        body: form,
      });
      expect(response.status, name).toBe(200);
      expect(await response.json()).toMatchObject({ image: { width: 7, height: 5 } });
    }
    const names = await kept();
    for (const name of names) expect(name).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('stands in lists and events, and its link needs no credential', async () => {
    const own = await openShop(olympus);
    const { id } = await own.product();
    await own.put(id, png(8, 6));
    const { body } = await rest<{ items: { image: { id: string; url: string } }[] }>(olympus.url, {
      path: '/products',
      token: own.token,
    });
    const { image } = body.items[0]!;
    expect(image).toEqual((await own.get(id)).image);
    const response = await fetch(new URL(image.url, olympus.url));
    expect(response.status).toBe(200);
    expect(await bytesOf(response)).toEqual(png(8, 6));

    const { url: _, ...known } = image;
    const meta = await own.fetch(`/files/${image.id}`, { accept: 'application/json' });
    expect(await meta.json()).toMatchObject({
      ...known,
      productId: id,
      sha256: createHash('sha256').update(png(8, 6)).digest('hex'),
    });
  });

  it('is replaced and removed, bytes and all', async () => {
    const { id } = await shop.product();
    const first = (await shop.put(id, png(3, 3))).body.image!;
    const second = (await shop.put(id, png(5, 5))).body.image!;
    expect(second.id).not.toBe(first.id);
    expect((await shop.fetch(`/files/${first.id}`)).status).toBe(404);
    const before = (await kept()).length;
    const removed = await shop.fetch(`/products/${id}/image`, {}, 'DELETE');
    expect(removed.status).toBe(204);
    expect((await shop.get(id)).image).toBeNull();
    expect((await shop.fetch(`/products/${id}/image`)).status).toBe(404);
    // Removing it again changes nothing.
    const { version } = await shop.get(id);
    expect((await shop.fetch(`/products/${id}/image`, {}, 'DELETE')).status).toBe(204);
    expect((await shop.get(id)).version).toBe(version);
    await expect.poll(async () => (await kept()).length, { timeout: 12_000 }).toBeLessThanOrEqual(before - 2);
  }, 20_000);

  it('is kept apart from other tenants, whose answers are those of a missing one', async () => {
    const { id } = await shop.product();
    const image = (await shop.put(id, png())).body.image!;
    const answer = async (path: string, method = 'GET') => {
      const response = await stranger.fetch(path, {}, method);
      const { requestId: _, instance: __, data: ___, ...problem } = (await response.json()) as Record<string, unknown>;
      return { status: response.status, problem };
    };
    const nowhere = randomUUID();
    expect(await answer(`/files/${image.id}`)).toEqual(await answer(`/files/${nowhere}`));
    expect(await answer(`/products/${id}/image`)).toEqual(await answer(`/products/${nowhere}/image`));
    expect(await answer(`/products/${id}/image`, 'DELETE')).toEqual(
      await answer(`/products/${nowhere}/image`, 'DELETE'),
    );
    expect((await stranger.put<Problem>(id, png())).body.code).toBe('PRODUCT_NOT_FOUND');
    expect((await shop.get(id)).image).toMatchObject({ id: image.id });
  });

  it('asks for the version that the caller has seen', async () => {
    const { id } = await shop.product();
    const late = await shop.put<Problem>(id, png(), 'image/png', { 'if-match': '"7"' });
    expect([late.status, late.body.code]).toEqual([412, 'VERSION_CONFLICT']);
    expect((await shop.put(id, png(), 'image/png', { 'if-match': '"1"' })).status).toBe(200);
  });

  it('is one of those that are set at once', async () => {
    const { id } = await shop.product();
    const sizes = [11, 12, 13, 14];
    const answers = await Promise.all(sizes.map((size) => shop.put(id, png(size, size))));
    for (const { status } of answers) expect(status).toBe(200);
    const product = await shop.get(id);
    expect(product.version).toBe(5);
    expect(sizes).toContain(product.image?.width);
    const bytes = await bytesOf(await shop.fetch(`/products/${id}/image`));
    expect(bytes).toEqual(png(product.image?.width, product.image?.height));
  });
});
