import type { ImportReport, Problem } from '@olympus/contracts';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { pipeline } from 'node:stream/promises';
import type { z } from 'zod';
import { UnreadableFile, type Source } from './import-source.ts';

export type Refusal = z.output<typeof Problem>;
export type Answer =
  | { readonly ok: true; readonly report: ImportReport }
  | { readonly ok: false; readonly refusal: Refusal };

/** The access token of a sign-in. Throws with what went wrong in words. */
export async function signIn(url: string, credentials: { email: string; password: string }): Promise<string> {
  const response = await fetch(new URL('/api/v1/auth/login', url), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(credentials),
  }).catch((error: unknown) => {
    throw new Error(`${url} cannot be reached: ${reasonOf(error)}`, { cause: error });
  });
  const body = (await response.json().catch(() => ({}))) as { accessToken?: string; detail?: string };
  if (!response.ok || !body.accessToken)
    throw new Error(`the sign-in was refused: ${body.detail ?? `HTTP ${response.status}`}`);
  return body.accessToken;
}

/** Streams a source into an import. The server's refusal is an answer; a broken connection throws. */
export async function upload(
  url: string,
  { path, token, source }: { path: string; token: string; source: Source },
): Promise<Answer> {
  const target = new URL(path, url);
  const send = target.protocol === 'https:' ? httpsRequest : httpRequest;
  const request = send(target, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': source.mediaType },
  });
  const answered = new Promise<Answer>((done, fail) => {
    request.once('error', fail);
    request.once('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.once('error', fail);
      response.once('end', () => {
        try {
          done(
            response.statusCode === 200
              ? { ok: true, report: JSON.parse(text) as ImportReport }
              : { ok: false, refusal: JSON.parse(text) as Refusal },
          );
        } catch {
          fail(new Error(`the server answered HTTP ${response.statusCode} with what is no JSON`));
        }
      });
    });
  });
  const sent = pipeline(source.stream, request).then(
    () => answered,
    async (error: unknown) => {
      // A server that refuses early stops reading: its answer, not the broken pipe, is what matters then.
      const early = await Promise.race([
        answered.catch(() => null),
        new Promise<null>((done) => setTimeout(done, 1000, null)),
      ]);
      if (early) return early;
      throw error;
    },
  );
  // What goes wrong while sending is told best by the stream that was sent.
  const early = answered.catch(() => sent);
  return Promise.race([sent, early])
    .catch((error: unknown) => {
      throw new Error(
        `the import broke off: ${reasonOf(error)}. What was imported stays; import the file again to complete it`,
        { cause: error },
      );
    })
    .finally(() => request.destroy());
}

function reasonOf(error: unknown): string {
  if (error instanceof UnreadableFile) return error.message;
  const { message, cause } = error as { message?: string; cause?: unknown };
  return cause instanceof Error ? reasonOf(cause) || cause.message : (message ?? String(error));
}
