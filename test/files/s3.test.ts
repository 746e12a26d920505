import { S3 } from '@aws-sdk/client-s3';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type S3rver from 's3rver';
import { Upload } from 'tus-js-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startOlympus, type Olympus } from '../harness.ts';
import { png } from './pictures.ts';
import { localS3 } from './s3-server.ts';
import { openShop, type Problem, type Shop } from './shop.ts';

/** A real server: the one that `TEST_S3_ENDPOINT` names, or else one of this process. */
const endpoint = process.env['TEST_S3_ENDPOINT'];
const credentials = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' };
const name = `shops-${Date.now()}`;
let local: S3rver | null = null;
let folder: string;
let client: S3;
let olympus: Olympus;
let shop: Shop;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'olympus-s3-'));
  let at = endpoint;
  if (at === undefined) {
    local = localS3(folder);
    at = `http://127.0.0.1:${(await local.run()).port}`;
  }
  client = new S3({ endpoint: at, region: 'us-east-1', credentials, forcePathStyle: true });
  await client.createBucket({ Bucket: name });
  olympus = await startOlympus({
    S3_ENDPOINT: at,
    S3_BUCKET: name,
    S3_ACCESS_KEY_ID: credentials.accessKeyId,
    S3_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    OLYMPUS_IMAGE_MAX_BYTES: '40000000',
  });
  shop = await openShop(olympus);
});
afterAll(async () => {
  await olympus.close();
  client.destroy();
  await local?.close();
  await rm(folder, { recursive: true });
});

const objects = async () => (await client.listObjectsV2({ Bucket: name })).Contents?.map(({ Key }) => Key) ?? [];
const bytesOf = async (response: Response) => Buffer.from(await response.arrayBuffer());

describe('images in a bucket', () => {
  it.each([
    ['small', 0],
    ['of several parts', 20_000_000],
  ])('%s ones are written, served in part, replaced and removed', async (_, extra) => {
    const bytes = png(6, 4, extra);
    const { id } = await shop.product();
    const { status, body } = await shop.put(id, bytes);
    expect(status, JSON.stringify(body)).toBe(200);
    // Comparing buffers as objects would take gigabytes.
    expect((await bytesOf(await shop.fetch(`/products/${id}/image`))).equals(bytes)).toBe(true);
    const part = await shop.fetch(`/products/${id}/image`, { range: 'bytes=10-29' });
    expect(part.status).toBe(206);
    expect(await bytesOf(part)).toEqual(bytes.subarray(10, 30));

    expect((await shop.put(id, png(5, 5))).status).toBe(200);
    expect((await shop.fetch(`/products/${id}/image`, {}, 'DELETE')).status).toBe(204);
    await expect.poll(async () => (await objects()).length, { timeout: 15_000 }).toBe(0);
  });

  it('refused ones leave nothing', async () => {
    const { id } = await shop.product();
    const answer = await shop.put<Problem>(id, png(6, 4, 40_000_001));
    expect([answer.status, answer.body.code]).toEqual([413, 'PAYLOAD_TOO_LARGE']);
    await expect.poll(async () => (await objects()).length, { timeout: 15_000 }).toBe(0);
  });

  it('resumable ones go on where they stopped', async () => {
    const { id } = await shop.product();
    const bytes = png(9, 7, 12_000_000);
    const options = {
      endpoint: `${olympus.url}/api/v1/uploads`,
      headers: { authorization: `Bearer ${shop.token}` },
      metadata: { productId: id },
      retryDelays: null,
      chunkSize: 3_000_000,
    };
    const url = await new Promise<string>((resolve, reject) => {
      const upload: Upload = new Upload(bytes, {
        ...options,
        onError: reject,
        onChunkComplete: (_size, accepted) => {
          if (accepted >= 6_000_000) void upload.abort().then(() => resolve(upload.url ?? ''), reject);
        },
      });
      upload.start();
    });
    await new Promise<void>((resolve, reject) => {
      new Upload(bytes, { ...options, uploadUrl: url, onError: reject, onSuccess: () => resolve() }).start();
    });
    expect((await shop.get(id)).image).toMatchObject({ width: 9, height: 7, bytes: bytes.length });
    expect((await bytesOf(await shop.fetch(`/products/${id}/image`))).equals(bytes)).toBe(true);
    // Of the upload nothing stays but the image.
    await expect.poll(async () => (await objects()).length, { timeout: 15_000 }).toBe(1);
  });
});
