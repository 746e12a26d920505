import type { Database } from '@olympus/database';
import type { Clock } from '../../platform/clock.ts';
import type { Storage } from '../../platform/storage/storage.ts';
import { allDue, dueRemovals, dueUploads, removalDone, uploadDone } from './repository.ts';

export interface SweepDependencies {
  readonly database: Database;
  readonly storage: Storage;
  readonly clock: Clock;
}

const atOnce = 100;

/**
 * Removes bytes whose time is over, and then the rows that tell of them, so that a crash in between only does it twice.
 * Resolves to whether there may be more.
 */
export async function sweep({ database, storage, clock }: SweepDependencies): Promise<boolean> {
  const removals = await dueRemovals(database, clock.now(), atOnce);
  for (const due of removals) {
    await storage.remove(due.name);
    await removalDone(database, due);
  }
  const uploads = await dueUploads(database, clock.now(), atOnce);
  for (const due of uploads) {
    await storage.uploads.remove(due.name).catch((cause: unknown) => {
      if (![404, 410].includes((cause as { status_code?: number }).status_code ?? 0)) throw cause;
    });
    await uploadDone(database, due);
  }
  return removals.length === atOnce || uploads.length === atOnce;
}

/**
 * What a process before this one was writing when it died goes at once where only one process can have been at work;
 * elsewhere when its time is over.
 */
export async function sweepAtStart(deps: SweepDependencies): Promise<void> {
  if (deps.database.kind === 'embedded') await allDue(deps.database, deps.clock.now());
  await sweep(deps);
}
