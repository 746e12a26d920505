import { createHmac, timingSafeEqual } from 'node:crypto';

/** Where a page ends: the values of the sort columns as text, the id last. */
export interface Position {
  readonly direction: 'after' | 'before';
  readonly sort: string;
  readonly values: readonly string[];
}

/** Cursors that a client can neither read meaning into nor forge; one of another tenant or list is not valid. */
export interface Cursors {
  seal(scope: string, position: Position): string;
  /** null when the cursor was not sealed for this scope. */
  open(scope: string, cursor: string): Position | null;
}

const tagBytes = 16;

export function createCursors(secret: Uint8Array): Cursors {
  const tagOf = (scope: string, body: Buffer) =>
    createHmac('sha256', secret).update(scope).update('\0').update(body).digest().subarray(0, tagBytes);
  return {
    seal(scope, { direction, sort, values }) {
      const body = Buffer.from(JSON.stringify([direction, sort, ...values]));
      return Buffer.concat([tagOf(scope, body), body]).toString('base64url');
    },
    open(scope, cursor) {
      const bytes = Buffer.from(cursor, 'base64url');
      const body = bytes.subarray(tagBytes);
      if (bytes.length <= tagBytes || !timingSafeEqual(bytes.subarray(0, tagBytes), tagOf(scope, body))) return null;
      const [direction, sort, ...values] = JSON.parse(body.toString()) as [Position['direction'], string, ...string[]];
      return { direction, sort, values };
    },
  };
}
