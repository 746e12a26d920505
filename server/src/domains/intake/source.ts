import { Buffer } from 'node:buffer';
import type { Upload } from '../../kernel/context.ts';
import { invalidInput } from '../../kernel/steps/validate.ts';
import type { Format } from './rows.ts';

const chunkLength = 65_536;

/** Bytes that can be read from their start, more than once where `again` says so. */
export interface Source {
  readonly format: Format;
  readonly bytes: AsyncIterable<Uint8Array>;
  /** The same bytes once more; null for a stream, which passes by once. */
  readonly again: (() => AsyncIterable<Uint8Array>) | null;
}

/** What an import reads: the bytes streamed into the call, or else the `content` of its input. */
export function sourceOf(
  upload: Upload | null,
  input: { format?: Format | undefined; content?: string | undefined },
): Source {
  if (upload) {
    const format = input.format ?? (/^application\/x-ndjson\b/i.test(upload.mediaType) ? 'ndjson' : 'csv');
    return { format, bytes: upload.stream, again: null };
  }
  const { content } = input;
  if (content === undefined)
    throw invalidInput([
      {
        field: 'content',
        code: 'invalid_type',
        message: 'must hold the lines, where they are not streamed as a body',
        nearest: null,
      },
    ]);
  const again = () => slices(Buffer.from(content));
  return { format: input.format ?? 'csv', bytes: again(), again };
}

/** In pieces, so that a large content is not worked on in one go. */
async function* slices(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunkLength) yield bytes.subarray(at, at + chunkLength);
}
