import { contracts, type Product } from '@olympus/contracts';
import { randomUUID } from 'node:crypto';
import { mkdtemp, open, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDisk, type OpenFile } from '../../platform/storage/disk.ts';
import { databases } from '../orders/testing.ts';
import { createProductImages } from '../products/images.ts';
import { products } from '../products/procedures.ts';
import { procedures, startTestKernel, type TestKernel } from '../testing.ts';
import { createFiles, type Files } from './index.ts';
import { createLinks } from './links.ts';
import { reserve } from './repository.ts';

const absent = () => {
  throw new Error('not part of these tests');
};
const pixel = 'R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7';
const filesIn = async (folder: string) =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => !entry.isDirectory())
    .map(({ name }) => name);

describe.each(databases(process.env['TEST_DATABASE_URL']))('files, %s', (_, url) => {
  let folder: string;
  let files: Files;
  let kernel: TestKernel;
  let token: string;
  /** The disk takes this many bytes more. */
  let room = Infinity;
  const openForWriting: OpenFile = async (path, flags) => {
    const file = await open(path, flags, 0o600);
    return {
      sync: () => file.sync(),
      close: () => file.close(),
      // As a full disk does: what still fits is written, and the next call fails.
      write: (async (bytes: Uint8Array, at: number, length: number, position: number | null) => {
        if (room === 0) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
        const part = Math.min(length, room);
        room -= part;
        return file.write(bytes, at, part, position);
      }) as typeof file.write,
    };
  };
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'olympus-files-'));
    const storage = await openDisk(folder, openForWriting);
    kernel = await startTestKernel({
      databaseUrl: url,
      procedures: ({ cursors, database, clock }) => {
        const limits = { imageMaxBytes: 1e6, imageMaxPixels: 1e6, quotaBytes: 1e7 };
        const config = { ...limits, linkSeconds: 3600, baseUrl: 'https://api.example.com' };
        files = createFiles({ database, storage, clock, secret: new Uint8Array(32), config });
        const images = createProductImages(files);
        return [
          ...procedures(
            'products',
            contracts.products,
            products({ cursors, images, importer: absent, follow: absent }),
          ),
          ...procedures('files', contracts.files, files.handlers),
        ];
      },
    });
    token = (await kernel.register({ currency: 'GBP' })).accessToken;
  });
  afterAll(async () => {
    await kernel.close();
    await rm(folder, { recursive: true });
  });
  const call = <T>(path: string, input: unknown) => kernel.call<T>(path, input, { token });
  const addProduct = () =>
    call<Product>('products.create', { sku: randomUUID(), name: 'Mug', price: { amount: '1', currency: 'GBP' } });

  it('a full disk is told, and nothing half-written stays', async () => {
    const { id } = await addProduct();
    const before = await filesIn(folder);
    room = 20;
    const refused = await kernel.refusal('products.setImage', { id, content: pixel }, { token });
    expect(refused.code).toBe('STORAGE_FULL');
    expect(await filesIn(folder)).toEqual(before);
    room = Infinity;
    expect((await call<Product>('products.setImage', { id, content: pixel })).image?.bytes).toBe(42);
  });

  it('a full disk ends a resumable upload where it stands', async () => {
    const storage = await openDisk(folder, openForWriting);
    const { id } = await call<{ id: string }>('files.uploads.create', { length: 42 });
    room = 20;
    const bytes = Buffer.from(pixel, 'base64');
    await expect(storage.uploads.write(Readable.from([bytes]), id, 0)).rejects.toMatchObject({ status_code: 507 });
    room = Infinity;
    const { offset } = await call<{ offset: number }>('files.uploads.get', { id });
    expect(offset).toBe(20);
    expect(await storage.uploads.write(Readable.from([bytes.subarray(20)]), id, 20)).toBe(42);
    const product = await addProduct();
    await call('products.setImage', { id: product.id, uploadId: id });
    await files.sweep();
    expect(await filesIn(join(folder, 'uploads'))).toEqual([]);
  });

  it('what a call that died has written goes when its time is over, and not before', async () => {
    const storage = await openDisk(folder);
    const key = kernel.ids.next();
    const { tenantId } = (await kernel.kernel.identify({
      protocol: 'rest',
      requestId: 'test',
      traceId: 'test',
      address: '127.0.0.1',
      credential: token,
    }))!;
    const dueAt = new Date(kernel.clock.now().getTime() + 1000);
    await kernel.database.transaction(tenantId, (db) => reserve(db, key, dueAt));
    await storage.write(key, Readable.from([Buffer.from('bytes')]));
    await files.sweep();
    expect(await filesIn(folder)).toContain(key);
    kernel.clock.advance(2000);
    await files.sweep();
    expect(await filesIn(folder)).not.toContain(key);
  });

  it('a symbolic link in the folder is not followed', async () => {
    const product = await addProduct();
    await call('products.setImage', { id: product.id, content: pixel });
    const storage = await openDisk(folder);
    const key = kernel.ids.next();
    await writeFile(join(folder, 'secret'), 'secret');
    await storage.write(key, Readable.from([Buffer.from('bytes')]));
    await storage.remove(key);
    await symlink(join(folder, 'secret'), join(folder, 'kept', key.slice(-2), key));
    await expect(storage.read(key, { start: 0, end: 1 })).rejects.toMatchObject({ code: 'ELOOP' });
    const part = kernel.ids.next();
    await symlink(join(folder, 'secret'), join(folder, 'incoming', part));
    await expect(storage.write(part, Readable.from([Buffer.from('bytes')]))).rejects.toMatchObject({ code: 'EEXIST' });
    await expect(storage.read('../secret', { start: 0, end: 1 })).rejects.toThrow('not a key');
  });

  it('a link runs out, and belongs to one installation', async () => {
    const product = await addProduct();
    const { image } = await call<Product>('products.setImage', { id: product.id, content: pixel });
    expect(image?.url).toMatch(/^https:\/\/api\.example\.com\/api\/v1\/file-links\/[\w-]+$/);
    const link = image?.url.split('/').at(-1) ?? '';
    expect(await kernel.call('files.open', { link })).toMatchObject({ id: image?.id });
    const others = createLinks({
      secret: new Uint8Array(32).fill(1),
      clock: kernel.clock,
      lifetimeSeconds: 9,
      baseUrl: '',
    });
    expect(others.open(link)).toBeNull();
    kernel.clock.advance(3_599_000);
    expect(await kernel.call('files.open', { link })).toMatchObject({ id: image?.id });
    kernel.clock.advance(3_602_000);
    expect((await kernel.refusal('files.open', { link })).code).toBe('FILE_LINK_INVALID');
  });
});
