import { Readable } from 'node:stream';
import { rest, registerTenant } from '../harness.ts';
import type { Served } from '../processes.ts';
import { png } from '../files/pictures.ts';
import { peakMb, residentMb } from './measure.ts';

/** What a server needs that is to take such an image. */
export const largeUploads = { OLYMPUS_IMAGE_MAX_BYTES: '3000000000', OLYMPUS_STORAGE_QUOTA_BYTES: '9000000000' };

/** Sends one form of `megabytes` whose file begins as an image; the server's memory before it and at its peak. */
export async function uploadForm(
  server: Served,
  megabytes: number,
): Promise<{ status: number; seconds: number; before: number; peak: number }> {
  const { accessToken: token } = await registerTenant(server.url);
  const body = { sku: 'LARGE', name: 'Large', price: { amount: '1', currency: 'GBP' } };
  const { id } = (await rest<{ id: string }>(server.url, { method: 'POST', path: '/products', token, body })).body;
  // One that all sizes share, so that what a first call loads is not counted.
  await send(server, { id, token, megabytes: 1 });
  const before = await residentMb(server.process.pid);
  const start = performance.now();
  const { value, peak } = await peakMb(server.process.pid, send(server, { id, token, megabytes }));
  return { status: value, seconds: (performance.now() - start) / 1000, before, peak };
}

async function send(
  { url }: Served,
  { id, token, megabytes }: { id: string; token: string; megabytes: number },
): Promise<number> {
  const response = await fetch(`${url}/api/v1/products/${id}/image`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'multipart/form-data; boundary=cut' },
    body: Readable.toWeb(Readable.from(form(megabytes))) as ReadableStream<Uint8Array>,
    duplex: 'half',
  } as RequestInit);
  await response.arrayBuffer();
  return response.status;
}

// oxlint-disable-next-line require-await -- what is sent is an async iterable.
async function* form(megabytes: number): AsyncGenerator<Uint8Array> {
  yield Buffer.from(
    '--cut\r\nContent-Disposition: form-data; name="image"; filename="large.png"\r\nContent-Type: image/png\r\n\r\n',
  );
  yield png();
  const piece = Buffer.alloc(1_000_000, 0x5a);
  for (let sent = 0; sent < megabytes; sent++) yield piece;
  yield Buffer.from('\r\n--cut--\r\n');
}
