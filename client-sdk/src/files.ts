import type { Product } from './contracts.ts';
import { renewing, request, type Endpoint, type Sent } from './endpoint.ts';
import { streamable, type StreamOptions } from './bulk.ts';
import { tryWithin } from './retry.ts';

/** An image: a `File` or `Blob`, bytes, or bytes as they come. */
export type ImageBody = Blob | Uint8Array | ReadableStream<Uint8Array>;

export interface SendOptions extends StreamOptions {
  /** Such as `image/png`. Default: that of a `Blob`; otherwise the server tells it by the content. */
  mediaType?: string;
}

/** What calls that take a file add to their `mutate`. */
export interface SendsFile<Input, Output> {
  /**
   * Sends a file as it is. Never tried again by itself; sent twice, the outcome is the same.
   * A browser streams a `Blob` from the disk, and anything else only to an `https:` address.
   * @example await api.products.setImage.send(file, { id })
   */
  send(body: ImageBody, input: Omit<Input, 'content' | 'uploadId'>, options?: SendOptions): Promise<Output>;
}

/** Puts an image to its product. */
export async function send(
  endpoint: Endpoint,
  given: ImageBody,
  { input, mediaType, signal }: SendOptions & { input: { id: string; expectedVersion?: number } },
): Promise<Product> {
  const { id, expectedVersion } = input;
  const streamed = given instanceof ReadableStream;
  const body = streamed ? await streamable(given, endpoint.url) : (given as Blob);
  // Where it is not said, the server looks at the content alone.
  const type = mediaType ?? ((body as Blob).type || 'application/octet-stream');
  const headers = {
    'content-type': type,
    ...(expectedVersion !== undefined && { 'if-match': `"${expectedVersion}"` }),
  };
  const spent = body instanceof ReadableStream;
  const sent: Sent = {};
  const put = async (ending: AbortSignal) => {
    const init = { method: 'PUT', headers, body, signal: ending, sent, ...(spent && { duplex: 'half' }) };
    const path = `/api/v1/products/${encodeURIComponent(id)}/image`;
    const product = (await (await request(endpoint, path, init)).json()) as Product;
    return { ...product, createdAt: new Date(product.createdAt), updatedAt: new Date(product.updatedAt) };
  };
  return tryWithin({ timeoutMs: 0, retries: 0, signals: [signal] }, (ending) =>
    // A stream is spent by its first try.
    spent ? put(ending) : renewing(endpoint.keeper, sent, () => put(ending)),
  );
}
