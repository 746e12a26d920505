import type { Logger } from 'pino';
import type { Config } from './config.ts';
import { configuredKeys } from './platform/configured-keys.ts';
import type { Keys } from './platform/keys.ts';
import type { Lifecycle } from './platform/lifecycle.ts';
import type { SigningKeys } from './platform/signing-keys.ts';
import { openDisk } from './platform/storage/disk.ts';
import type { Storage } from './platform/storage/storage.ts';

/** The client of S3 is large, and loaded only where it is used. */
export async function openStorage({ s3, dir }: Config['files']): Promise<Storage> {
  return s3 ? (await import('./platform/storage/s3.ts')).openS3(s3) : openDisk(dir);
}

interface KeysOptions {
  readonly config: Config;
  readonly keys: Keys;
  readonly log: Logger;
  readonly lifecycle: Lifecycle;
}

/** The keys of access tokens: the operator's own, or those in the database. */
export async function followKeys({ config, keys, log, lifecycle }: KeysOptions): Promise<SigningKeys> {
  if (config.keys.configured) {
    const configured = await configuredKeys(config.keys.configured);
    lifecycle.onStop('keys', configured.follow(log));
    return configured;
  }
  lifecycle.onStop('keys', await keys.follow({ tokenSeconds: config.auth.accessTokenSeconds, log }));
  return keys;
}
