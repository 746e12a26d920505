import { randomBytes } from 'node:crypto';
import { uuidv7 } from 'uuidv7';

export interface Ids {
  /** A UUIDv7: sorts by time of creation. */
  next(): string;
  /** `bytes` random bytes in base64url, for secrets. */
  secret(bytes: number): string;
}
export const randomIds: Ids = { next: uuidv7, secret: (bytes) => randomBytes(bytes).toString('base64url') };
