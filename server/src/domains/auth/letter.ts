import type { SystemDb } from '@olympus/database';

/** A mail that is to be written and sent. It holds no secret: it may wait in a queue. */
export interface Letter {
  readonly kind: 'resetPassword' | 'verifyEmail' | 'passwordChanged' | 'secondFactorReset';
  readonly email: string;
}

/** Puts a letter into the transaction that gives rise to it: it is sent if that commits, and never lost then. */
export type Post = (db: SystemDb, letter: Letter) => Promise<void>;
