/** A line that is not imported, and why. */
export interface Fault {
  readonly line: number;
  readonly message: string;
}

const kept = 1000;

/** Counts lines as they are read, and keeps the first faults. */
export class Tally {
  lines = 0;
  failed = 0;
  readonly errors: Fault[] = [];

  read(lines: number): void {
    this.lines += lines;
  }

  fail(faults: readonly Fault[]): void {
    this.failed += faults.length;
    if (this.errors.length < kept) this.errors.push(...faults.slice(0, kept - this.errors.length));
  }
}
