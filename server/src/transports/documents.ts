import type { Handler } from 'express';
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Failure } from '../kernel/failure.ts';

/** Why somebody may not have so many more bytes of documents now; null when they may. */
export type AdmitDocument = (request: IncomingMessage, bytes: number) => Failure | null;

export interface DocumentOptions {
  /** Media type, or a file’s ending. */
  readonly type: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly admit: AdmitDocument;
}

/** Answers with bytes that are the same for everybody. They are held once, however many read them and however slowly. */
export function document(bytes: Buffer, { type, headers, admit }: DocumentOptions): Handler {
  const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 27)}"`;
  return (request, response) => {
    response.set('ETag', etag);
    const failure = request.method === 'HEAD' || request.fresh ? null : admit(request, bytes.length);
    if (failure) {
      response.removeHeader('ETag');
      throw failure;
    }
    response.set(headers).type(type);
    response.send(bytes);
  };
}
