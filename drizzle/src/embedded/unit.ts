import { eachFrame, frame, frameLength, messageType, query, readText } from './wire.ts';

/** What a unit of messages does to the state that all logical connections share. */
export interface UnitNotes {
  prepared: string[];
  closed: string[];
  listen: string[];
  unlisten: string[];
}

const { parse, close, query: simpleQuery, sync, flush, terminate } = messageType;
const boundaries = new Set<number>([simpleQuery, sync, flush, terminate]);

const listening = /^\s*(un)?listen\s+("(?:[^"]|"")+"|\*|[\w$]+)\s*;?\s*$/i;
const copying = /(?:^|;)\s*copy\s/i;

/** The server's own way to fail keeps its transaction state right, so a refused statement becomes one that fails. */
const refusal =
  "do $$ begin raise exception using errcode = '0A000', message = " +
  "'COPY is not supported by the embedded database; insert with unnest() instead'; end $$";

/** Where the first unit ends: after a Query, Sync or Flush, with what leads up to it. Undefined while it is not all here. */
export function unitEnd(input: Buffer): number | undefined {
  let at = 0;
  for (;;) {
    const length = frameLength(input, at);
    if (length === undefined || at + length > input.length) return undefined;
    if (boundaries.has(input[at] ?? 0)) return at === 0 || input[at] !== terminate ? at + length : at;
    at += length;
  }
}

export function learnUnit(unit: Buffer): UnitNotes {
  const notes: UnitNotes = { prepared: [], closed: [], listen: [], unlisten: [] };
  eachFrame(unit, (message, type) => {
    if (type === parse) {
      const name = readText(message, 5);
      if (name !== '') notes.prepared.push(name);
    } else if (type === close && message[5] === 0x53) {
      notes.closed.push(readText(message, 6));
    }
    const text = statementOf(message, type);
    const [, un, channel] = (text !== undefined && text.length < 200 && listening.exec(text)) || [];
    if (channel === undefined) return;
    (un === undefined ? notes.listen : notes.unlisten).push(channelName(channel));
  });
  return notes;
}

/** Replaces COPY, which the embedded server does not survive, by a statement that fails. */
export function checkUnit(unit: Buffer): Buffer {
  const parts: Buffer[] = [];
  let changed = false;
  eachFrame(unit, (message, type) => {
    if (!copying.test(statementOf(message, type) ?? '')) {
      parts.push(message);
      return;
    }
    changed = true;
    parts.push(type === parse ? frame(parse, readText(message, 5), refusal, Buffer.alloc(2)) : query(refusal));
  });
  return changed ? Buffer.concat(parts) : unit;
}

function statementOf(message: Buffer, type: number): string | undefined {
  if (type === simpleQuery) return readText(message, 5);
  return type === parse ? readText(message, message.indexOf(0, 5) + 1) : undefined;
}

/** An unquoted name is folded to lower case, as PostgreSQL does. */
function channelName(written: string): string {
  return written.startsWith('"') ? written.slice(1, -1).replaceAll('""', '"') : written.toLowerCase();
}
