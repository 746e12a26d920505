import { isUtf8 } from 'node:buffer';
import { setImmediate as turn } from 'node:timers/promises';

/** A physical line without its ending. `number` counts from 1, as an editor does. */
export interface Line {
  readonly number: number;
  readonly text: string;
  /** What ended it; a quoted cell that spans lines keeps it. */
  readonly ending: '\n' | '\r\n';
  /** Why the line cannot be read; its text is empty then. */
  readonly fault: string | null;
}

/** Bytes that one line, or one record of several lines, may have. */
export const maxRecordBytes = 65_536;
/** Few enough that what is made of them stays in the young part of the heap. */
const mostAtOnce = 100;
const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);
const newline = 0x0a;
const carriageReturn = 0x0d;

/** Splits UTF-8 bytes into lines, a group at a time and never holding more than a chunk and one line. */
export async function* linesOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Line[]> {
  let number = 0;
  let rest: Buffer = Buffer.alloc(0);
  let skipping = false;

  const lineOf = (line: Buffer): Line => {
    number++;
    const body = number === 1 && line.subarray(0, 3).equals(byteOrderMark) ? line.subarray(3) : line;
    const ending = body.at(-1) === carriageReturn ? '\r\n' : '\n';
    const text = body.toString('utf8', 0, body.length - (ending.length - 1));
    // A replacement character is a fault only where it replaced something.
    const fault = text.includes('\ufffd') && !isUtf8(body) ? 'is not written in UTF-8' : null;
    return { number, text: fault ? '' : text, ending, fault };
  };
  const tooLong = (): Line => ({
    number: ++number,
    text: '',
    ending: '\n',
    fault: `is longer than ${maxRecordBytes} bytes`,
  });

  for await (const chunk of bytes) {
    const data = rest.length ? Buffer.concat([rest, chunk]) : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    let lines: Line[] = [];
    let start = 0;
    for (let end = data.indexOf(newline); end >= 0; end = data.indexOf(newline, start)) {
      if (!skipping) lines.push(end - start > maxRecordBytes ? tooLong() : lineOf(data.subarray(start, end)));
      skipping = false;
      start = end + 1;
      if (lines.length === mostAtOnce) {
        yield lines;
        lines = [];
      }
    }
    rest = data.subarray(start);
    if (skipping || rest.length > maxRecordBytes) {
      if (!skipping) lines.push(tooLong());
      skipping = true;
      rest = Buffer.alloc(0);
    }
    if (lines.length) yield lines;
    // Other calls have their turn between two chunks, also where the bytes are all there already.
    await turn();
  }
  if (rest.length) yield [lineOf(rest)];
}
