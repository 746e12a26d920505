import type { Db } from '@olympus/database';
import { instantsOf } from './import-repository.ts';
import type { OrderInputLine } from './import-lines.ts';
import type { TimedLine } from './import-books.ts';

const most = 50_000;

/** Reads local times in a zone, each only once. The database knows the zones' rules. */
export class LocalTimes {
  private readonly instants = new Map<string, Date>();
  private readonly timeZone: string;

  constructor(timeZone: string) {
    this.timeZone = timeZone;
  }

  async read(db: Db, lines: readonly OrderInputLine[]): Promise<TimedLine[]> {
    if (this.instants.size > most) this.instants.clear();
    const missing = new Set<string>();
    for (const { placedAt } of lines)
      if (typeof placedAt === 'string' && !this.instants.has(placedAt)) missing.add(placedAt);
    if (missing.size > 0)
      for (const { local, instant } of await instantsOf(db, [...missing], this.timeZone))
        this.instants.set(local, instant);
    return lines.map((line) => ({ ...line, at: this.at(line.placedAt) }));
  }

  private at(moment: OrderInputLine['placedAt']): Date {
    if (typeof moment === 'number') return new Date(moment);
    const instant = this.instants.get(moment);
    if (!instant) throw new Error(`the database gave no instant for ${moment}`);
    return instant;
  }
}
