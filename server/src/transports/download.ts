import { csvEncoder, type CsvEncoder } from './csv.ts';
import { formats } from './media-choice.ts';
import { commonHeaders, type Exchange } from './reply.ts';
import type { Operation } from './rest-route.ts';
import { writeAtPace } from './stream-writer.ts';

interface Encoder {
  readonly header: string;
  rows(items: readonly unknown[]): string;
}

const chunkLength = 64 * 1024;
const ndjson: Encoder = { header: '', rows: (items) => items.map((item) => `${JSON.stringify(item)}\n`).join('') };
const csvEncoders = new WeakMap<Operation, CsvEncoder>();

/** Answers with all items as one document, encoded as its reader takes it. A failure on the way breaks the connection, so that no part passes for the whole. */
export async function replyDownload(exchange: Exchange, operation: Operation, document: Download): Promise<void> {
  const { response } = exchange;
  const { mediaType, stallMs } = document;
  const encoder = mediaType === 'text/csv' ? csvEncoderOf(operation) : ndjson;
  const iterator = document.items[Symbol.asyncIterator]();
  try {
    let item = await iterator.next();
    response.writeHead(200, downloadHeaders(exchange, operation, mediaType));
    let rows: unknown[] = [];
    let pending = encoder.header;
    let rowsAChunk = 64;
    while (!item.done) {
      rows.push(item.value);
      item = await iterator.next();
      if (rows.length < rowsAChunk && !item.done) continue;
      const text = encoder.rows(rows);
      rowsAChunk = Math.max(1, Math.round((rows.length * chunkLength) / text.length));
      rows = [];
      if (!(await writeAtPace(response, pending + text, stallMs))) return;
      pending = '';
    }
    response.end(pending);
  } finally {
    await iterator.return?.();
  }
}

export interface Download {
  readonly items: AsyncIterable<unknown>;
  readonly mediaType: string;
  /** Milliseconds for which the reader may take nothing. */
  readonly stallMs: number;
}

export function downloadHeaders(exchange: Exchange, operation: Operation, mediaType: string) {
  const name = operation.procedure.contract.def.rest.split('/')[1] ?? 'download';
  const extension = Object.entries(formats).find(([, type]) => type === mediaType)?.[0] ?? 'txt';
  return {
    ...commonHeaders(exchange, null),
    'content-type': `${mediaType}; charset=utf-8`,
    'content-disposition': `attachment; filename="${name}.${extension}"`,
  };
}

function csvEncoderOf(operation: Operation): CsvEncoder {
  const encoder = csvEncoders.get(operation) ?? csvEncoder(operation.procedure.contract.def.output);
  csvEncoders.set(operation, encoder);
  return encoder;
}
