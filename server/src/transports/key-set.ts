import { createHash } from 'node:crypto';
import type { Handler } from 'express';

export interface KeySetOptions {
  readonly published: () => { readonly keys: readonly object[] };
  /** For which whoever asks may keep the answer. */
  readonly cacheSeconds: number;
}

/** `/.well-known/jwks.json` (RFC 7517 §5) for services that check tokens by themselves; 304 while nothing has changed. */
export function keySet({ published, cacheSeconds }: KeySetOptions): Handler {
  return (request, response) => {
    const body = JSON.stringify(published());
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`;
    response.set({
      'Cache-Control': `public, max-age=${cacheSeconds}`,
      'Access-Control-Allow-Origin': '*',
      ETag: etag,
    });
    // Express would send it all to clients that add `no-cache` to a condition, as Node's own fetch does.
    if (matches(request.headers['if-none-match'], etag)) response.status(304).end();
    else response.type('application/jwk-set+json').send(body);
  };
}

/** RFC 9110 §13.1.2: weak comparison. */
const matches = (given: string | undefined, etag: string): boolean =>
  given?.split(',').some((one) => one.trim() === '*' || one.trim().replace(/^W\//, '') === etag) ?? false;
