import type { IncomingMessage } from 'node:http';
import { MIMEType } from 'node:util';
import { Failure } from '../kernel/failure.ts';
import { issue } from './input-issue.ts';

export const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

/** The media type of a body that is sent as UTF-8 without a content coding; else `UNSUPPORTED_MEDIA_TYPE` with what is supported. */
export function mediaTypeOf({ headers }: IncomingMessage, supported: readonly string[]): string {
  const refuse = (detail: string): never => {
    throw new Failure('UNSUPPORTED_MEDIA_TYPE', { supported: [...supported] }, { detail });
  };
  const coding = headers['content-encoding']?.trim().toLowerCase();
  if (coding !== undefined && coding !== 'identity') return refuse('The body must be sent without a content coding');
  const type = parse(headers['content-type']);
  if (!type || !supported.includes(type.essence)) return refuse(`The body must be ${supported.join(' or ')}`);
  const charset = type.params.get('charset');
  if (charset !== null && !/^utf-?8$/i.test(charset)) return refuse('The body must be UTF-8');
  return type.essence;
}

function parse(header: string | undefined): MIMEType | null {
  try {
    return header === undefined ? null : new MIMEType(header);
  } catch {
    return null;
  }
}

/** The whole body as text; `PAYLOAD_TOO_LARGE` beyond `limit` bytes, before more is taken in. */
export async function readText(request: IncomingMessage, limit: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of streamOf(request, limit)) chunks.push(chunk);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    throw issue('', 'The body is not UTF-8', 'invalid_encoding');
  }
}

/** The body as it comes, at the reader's pace; `PAYLOAD_TOO_LARGE` beyond `limit` bytes, `CANCELLED` when the sender leaves. */
export async function* streamOf(request: IncomingMessage, limit: number): AsyncGenerator<Uint8Array, void, undefined> {
  if (Number(request.headers['content-length'] ?? 0) > limit) throw new Failure('PAYLOAD_TOO_LARGE', { limit });
  let taken = 0;
  try {
    // A reader that stops early must not take the socket with it: the answer is still to be written.
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      taken += chunk.length;
      if (taken > limit) throw new Failure('PAYLOAD_TOO_LARGE', { limit });
      yield chunk;
    }
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    throw new Failure('CANCELLED', null, { cause });
  }
  if (!request.complete) throw new Failure('CANCELLED', null);
}
