import { isFailure, type ImageBody } from '@olympus/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { png, smallest } from '../files/pictures.ts';
import { addProduct, openStore, pathsOf, setUp, type Setup } from './support.ts';

let setup: Setup;
beforeAll(async () => {
  setup = await setUp();
});
afterAll(() => setup.close());

const bytes = new Uint8Array(png(12, 8));
const streamOf = (chunk: Uint8Array) =>
  new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(chunk);
      controller.close();
    },
  });

describe('images', () => {
  test.each<[string, () => ImageBody]>([
    ['a Blob', () => new Blob([bytes], { type: 'image/png' })],
    ['a Blob without a type', () => new Blob([bytes])],
    ['bytes', () => bytes],
    ['a ReadableStream', () => streamOf(bytes)],
  ])('are sent as %s', async (_, body) => {
    const api = await setup.client();
    const { id } = await addProduct(api);
    const product = await api.products.setImage.send(body(), { id, expectedVersion: 1 });
    expect(product).toEqual(await api.products.get.query({ id }));
    expect(product.image).toMatchObject({ mediaType: 'image/png', width: 12, height: 8, bytes: bytes.length });
    const served = await fetch(new URL(product.image?.url ?? '', setup.proxy.url));
    expect(new Uint8Array(await served.arrayBuffer())).toEqual(bytes);
  });

  test('are refused with typed errors', async () => {
    const api = await setup.client();
    const { id } = await addProduct(api);
    const gif = new Blob([new Uint8Array(smallest['image/gif'] ?? [])]);
    const wrong: unknown = await api.products.setImage
      .send(gif, { id }, { mediaType: 'image/png' })
      .catch((cause: unknown) => cause);
    expect(isFailure(wrong, 'UNSUPPORTED_MEDIA_TYPE')).toBe(true);
    const late: unknown = await api.products.setImage
      .send(gif, { id, expectedVersion: 4 })
      .catch((cause: unknown) => cause);
    if (!isFailure(late, 'VERSION_CONFLICT')) throw new Error('not refused', { cause: late });
    expect(late.failure.data).toEqual({ currentVersion: 1 });
  });

  test('are sent again after a 401', async () => {
    const store = openStore();
    const api = await setup.client({ session: store });
    const { id } = await addProduct(api);
    if (store.session) store.session.accessToken += 'x';
    setup.proxy.seen.length = 0;
    expect((await api.products.setImage.send(new Blob([bytes]), { id })).image?.width).toBe(12);
    const put = `/api/v1/products/${id}/image`;
    expect(pathsOf(setup.proxy)).toEqual([put, 'auth.refresh', put]);
  });
});
