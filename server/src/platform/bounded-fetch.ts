/** Asks services of the operator's: answers in time and of bounded size, and never from elsewhere. */
export interface Bounds {
  /** For the whole answer. */
  readonly timeoutMs: number;
  /** Of the body, unpacked. */
  readonly maxBytes: number;
}

export class AnswerTooLarge extends Error {
  override readonly name = 'AnswerTooLarge';
}

export type Fetch = (url: string | URL, init?: RequestInit) => Promise<Response>;

/** `fetch` that follows no redirect and has read the whole body when it answers. Throws `AnswerTooLarge` and fetch's own errors. */
export const boundedFetch =
  ({ timeoutMs, maxBytes }: Bounds): Fetch =>
  async (url, init = {}) => {
    const late = AbortSignal.timeout(timeoutMs);
    const signal = init.signal ? AbortSignal.any([late, init.signal]) : late;
    const response = await fetch(url, { ...init, redirect: 'manual', signal });
    const { status, statusText, headers } = response;
    const body = await readAtMost(response, maxBytes);
    return new Response(body.length > 0 ? body : null, { status, statusText, headers });
  };

async function readAtMost(response: Response, maxBytes: number): Promise<Buffer<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop ends the connection.
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > maxBytes) throw new AnswerTooLarge(`the answer is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
