import type { contracts } from '@olympus/contracts';
import type { Database } from '@olympus/database';
import type { Handlers } from '../../kernel/implement.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Storage } from '../../platform/storage/storage.ts';
import { createLinks } from './links.ts';
import { fileHandlers } from './procedures.ts';
import type { FileLimits } from './receive.ts';
import { createKeeper, type FileKeeper } from './keeper.ts';
import { sweep, sweepAtStart } from './sweep.ts';
import { createUploads, type Uploads } from './uploads.ts';

export interface FilesOptions {
  readonly database: Database;
  readonly storage: Storage;
  readonly clock: Clock;
  /** Of the installation; see `createLinks`. */
  readonly secret: Uint8Array;
  readonly config: FileLimits & { readonly linkSeconds: number; readonly baseUrl: string };
}

export interface Files {
  readonly handlers: Handlers<typeof contracts.files>;
  readonly keeper: FileKeeper;
  readonly uploads: Uploads;
  /** Removes what is due; resolves to whether there may be more. */
  sweep(): Promise<boolean>;
  sweepAtStart(): Promise<void>;
}

export function createFiles({ database, storage, clock, secret, config }: FilesOptions): Files {
  const links = createLinks({ secret, clock, lifetimeSeconds: config.linkSeconds, baseUrl: config.baseUrl });
  const keeper = createKeeper({ storage, links, limits: config });
  const { uploads, handlers } = createUploads({ storage, limits: config });
  const sweeping = { database, storage, clock };
  return {
    handlers: fileHandlers({ database, links, keeper, uploads: handlers }),
    keeper,
    uploads,
    sweep: () => sweep(sweeping),
    sweepAtStart: () => sweepAtStart(sweeping),
  };
}
