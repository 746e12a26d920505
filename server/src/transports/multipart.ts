import { Busboy, type BusboyFileStream } from '@fastify/busboy';
import { Readable } from 'node:stream';
import type { Upload } from '../kernel/context.ts';
import { Failure } from '../kernel/failure.ts';
import { issue } from './input-issue.ts';

const limits = { files: 1, fields: 0, parts: 2, headerPairs: 20, headerSize: 8192, fieldNameSize: 100 };
const encodings = ['7bit', '8bit', 'binary'];
const oneFile = () =>
  issue('', 'The multipart body must hold one file and nothing else, and be whole', 'invalid_multipart');

/**
 * The one file of a multipart body (RFC 7578), at its reader's pace, once the head of its part has come. Its name is not
 * looked at. The stream ends only after the whole body turned out to be well-formed, so that no broken one is taken.
 */
export function fileOf(contentType: string | undefined, body: AsyncIterable<Uint8Array>): Promise<Upload> {
  const parser = parserOf(contentType);
  const source = Readable.from(body, { objectMode: false });
  let fault: unknown = null;
  return new Promise<Upload>((resolve, reject) => {
    let part: BusboyFileStream | null = null;
    const ended = new Promise<void>((end) => {
      const stop = (cause: unknown) => {
        fault ??= cause;
        source.unpipe(parser);
        reject(fault);
        part?.destroy(fault as Error);
        end();
      };
      source.once('error', stop);
      // What the parser says of a broken body is its own affair.
      parser.on('error', (cause) => stop(cause instanceof Failure ? cause : oneFile()));
      for (const event of ['partsLimit', 'filesLimit', 'fieldsLimit', 'field'] as const)
        parser.on(event, () => stop(oneFile()));
      parser.once('finish', () => {
        if (!part) stop(oneFile());
        end();
      });
      // oxlint-disable-next-line max-params -- the parser's own signature.
      parser.on('file', (_field, stream, _name, encoding, mediaType) => {
        part = stream;
        // A fault is told by whoever reads the file; without a listener it would end the process.
        stream.on('error', () => undefined);
        if (!encodings.includes(encoding.toLowerCase())) stop(oneFile());
        else resolve({ mediaType: essenceOf(mediaType), stream: read(stream) });
      });
    });
    async function* read(stream: BusboyFileStream): AsyncGenerator<Uint8Array> {
      try {
        for await (const chunk of stream as AsyncIterable<Uint8Array>) yield chunk;
        await ended;
        if (fault) throw fault;
      } finally {
        source.unpipe(parser);
        source.destroy();
      }
    }
    source.pipe(parser);
  });
}

function parserOf(contentType = '') {
  try {
    return new Busboy({ headers: { 'content-type': contentType }, limits });
  } catch {
    throw issue('Content-Type', 'must name the boundary of the parts', 'invalid_format');
  }
}

const essenceOf = (mediaType: string): string => mediaType.split(';')[0]?.trim().toLowerCase() ?? '';
