import { createHmac, randomBytes } from 'node:crypto';
import type { Secrets } from '../../platform/secrets.ts';

const prefix = 'whsec_';
const purpose = 'webhooks';

/** 256 random bits as the specification writes them: https://www.standardwebhooks.com. */
export const newSecret = (): string => prefix + randomBytes(32).toString('base64');

export interface Signed {
  readonly id: string;
  /** Seconds since the epoch. */
  readonly timestamp: number;
  readonly body: string;
}

/** `v1,…` for each secret, separated by spaces: during a rotation a receiver may know either. */
export const signatureOf = ({ id, timestamp, body }: Signed, secrets: readonly string[]): string =>
  secrets
    .map((secret) => {
      const key = Buffer.from(secret.slice(prefix.length), 'base64');
      return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
    })
    .join(' ');

interface Owner {
  readonly tenantId: string;
  readonly endpointId: string;
}
const contextOf = ({ tenantId, endpointId }: Owner): string => `${tenantId}/${endpointId}`;

export const sealSecret = (secrets: Secrets, secret: string, owner: Owner): string =>
  secrets.seal(purpose, secret, contextOf(owner));
export const openSecret = (secrets: Secrets, sealed: string, owner: Owner): string =>
  secrets.open(purpose, sealed, contextOf(owner));
