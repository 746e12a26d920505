import type { Db } from '@olympus/database';
import type { OrderInputLine } from './import-lines.ts';
import { instantsOf } from './import-repository.ts';

const most = 50_000;

/** Reads local times in a zone, each only once. The database knows the zones' rules. */
export class LocalTimes {
  private readonly instants = new Map<string, number>();
  private readonly timeZone: string;

  constructor(timeZone: string) {
    this.timeZone = timeZone;
  }

  /** Looks up the times of lines, so that `timeOf` knows them. */
  async read(db: Db, lines: readonly OrderInputLine[]): Promise<void> {
    if (this.instants.size > most) this.instants.clear();
    const missing = new Set<string>();
    for (const { placedAt } of lines)
      if (typeof placedAt === 'string' && !this.instants.has(placedAt)) missing.add(placedAt);
    if (missing.size === 0) return;
    for (const { local, instant } of await instantsOf(db, [...missing], this.timeZone))
      this.instants.set(local, instant.getTime());
  }

  readonly timeOf = ({ placedAt }: OrderInputLine): number => {
    const instant = typeof placedAt === 'number' ? placedAt : this.instants.get(placedAt);
    if (instant === undefined) throw new Error(`the database gave no instant for ${placedAt}`);
    return instant;
  };
}
