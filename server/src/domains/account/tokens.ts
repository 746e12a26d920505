import { createHash } from 'node:crypto';

/** Tokens are random, so a plain hash is enough to keep the database from giving any away. */
export const hashOf = (token: string): string => createHash('sha256').update(token).digest('base64url');
