import { maxRecordBytes, type Line } from './lines.ts';

/** A record of the input: the line it starts on, and either its cells or why it has none. */
export interface RawRow {
  readonly line: number;
  readonly cells: readonly string[];
  readonly fault: string | null;
}

/**
 * Reads CSV (RFC 4180) line by line. A quote that is never closed, or is followed by more text, costs only the line it
 * stands on: reading goes on with the next one, where a streaming parser would swallow the lines up to the next quote.
 */
export class CsvReader {
  private readonly out: RawRow[] = [];
  /** The lines of a record that is not complete yet. */
  private open: Line[] = [];
  private openLength = 0;
  private cells: string[] = [];
  private cell = '';

  /** The records that `lines` complete. */
  read(lines: readonly Line[]): RawRow[] {
    for (const line of lines) this.take(line);
    return this.out.splice(0);
  }

  /** The records that were waiting for a closing quote when the input ended. */
  end(): RawRow[] {
    while (this.open.length) this.giveUp('opens a quote that is not closed');
    return this.out.splice(0);
  }

  private take(line: Line): void {
    if (this.open.length) return this.proceed(line);
    if (line.fault !== null) this.out.push({ line: line.number, cells: [], fault: line.fault });
    else if (line.text.includes('"')) this.parse(line, 0);
    else if (line.text !== '') this.out.push({ line: line.number, cells: line.text.split(','), fault: null });
  }

  private proceed(line: Line): void {
    this.openLength += line.text.length;
    if (line.fault !== null || this.openLength > maxRecordBytes) {
      this.open.push(line);
      return this.giveUp(
        line.fault === null
          ? `has a quoted cell of more than ${maxRecordBytes} bytes`
          : 'opens a quote that is not closed',
      );
    }
    this.cell += this.open.at(-1)?.ending ?? '\n';
    this.parse(line, this.quoted(line.text, 0));
  }

  /** Reads cells from `at` on; -1 stands for a quote that is still open, -2 for text after a closed one. */
  private parse(line: Line, at: number): void {
    const { text } = line;
    while (at >= 0 && at <= text.length) {
      if (text[at] === '"') at = this.quoted(text, at + 1);
      else {
        const comma = text.indexOf(',', at);
        this.cells.push(text.slice(at, comma < 0 ? text.length : comma));
        at = comma < 0 ? text.length + 1 : comma + 1;
      }
    }
    this.open.push(line);
    if (at === -1) {
      this.openLength ||= text.length;
      return;
    }
    if (at === -2) return this.giveUp('has text after a closing quote');
    this.out.push({ line: this.open[0]?.number ?? line.number, cells: this.cells, fault: null });
    this.forget();
  }

  /** Reads the inside of a quoted cell; where the next cell begins, or what `parse` is told. */
  private quoted(text: string, from: number): number {
    for (let at = from; ;) {
      const quote = text.indexOf('"', at);
      if (quote < 0) {
        this.cell += text.slice(at);
        return -1;
      }
      this.cell += text.slice(at, quote);
      const next = text[quote + 1];
      if (next === '"') {
        this.cell += '"';
        at = quote + 2;
        continue;
      }
      if (next !== undefined && next !== ',') return -2;
      this.cells.push(this.cell);
      this.cell = '';
      return quote + 2;
    }
  }

  /** Reports the first line of the open record and reads the others afresh. */
  private giveUp(fault: string): void {
    const [first, ...others] = this.open;
    this.forget();
    if (first) this.out.push({ line: first.number, cells: [], fault });
    for (const line of others) this.take(line);
  }

  private forget(): void {
    this.open = [];
    this.openLength = 0;
    this.cells = [];
    this.cell = '';
  }
}
