import type { FailureShape } from '@olympus/contracts';

/** What a caller got, whatever the protocol. */
export interface Answer {
  /** HTTP status of the answer or of the failure in it. */
  readonly status: number;
  /** `OK` or the failure's code. */
  readonly code: string;
  /** Absent where it failed. */
  readonly value?: unknown;
  readonly failure?: Partial<FailureShape>;
  /** Everything that was sent back, as it came. */
  readonly text: string;
  /** Null over a socket. */
  readonly headers: Headers | null;
}

/** A call as an attacker writes it: the input goes out as it is, unchecked. */
export interface Call {
  readonly path: string;
  readonly input?: unknown;
  readonly token?: string | null;
  readonly key?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Protocols carry queries and mutations as one answer, subscriptions as what comes while `listen` runs. */
export interface Protocol {
  readonly name: string;
  call(call: Call): Promise<Answer>;
  /** Opens a stream and reads on until `close`; `opened` resolves when the server has let it in, or has not. */
  follow(call: Call): Stream;
  close(): void;
}
export interface Stream {
  readonly opened: Promise<Answer>;
  /** What has come so far. */
  text(): string;
  close(): void;
}

export const headersOf = ({ token, key, headers }: Call): Record<string, string> => ({
  ...(token ? { authorization: `Bearer ${token}` } : {}),
  ...(key ? { 'idempotency-key': key } : {}),
  ...headers,
});

/** Reads JSON that may be none. */
export function readJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

type Failed = { status?: number; code?: string } & Partial<FailureShape>;

/** An answer of REST: a value, or a problem. */
export function restAnswer(status: number, text: string, headers: Headers): Answer {
  const body = readJson(text);
  if (status < 400) return { status, code: 'OK', value: body ?? text, text, headers };
  const failure = (body ?? {}) as Failed;
  return { status, code: failure.code ?? `HTTP ${status}`, failure, text, headers };
}

/** An answer of tRPC: `{ result: { data } }` or `{ error: { data: { failure } } }`, in superjson or without. */
export function trpcAnswer(status: number, body: unknown, rest: { text: string; headers: Headers | null }): Answer {
  const { result, error } = (body ?? {}) as { result?: { data?: { json?: unknown } }; error?: unknown };
  if (result) return { status, code: 'OK', value: result.data?.json, ...rest };
  const plain = (error as { json?: unknown } | undefined)?.json ?? error;
  // An upgrade that is refused has the failure itself.
  const bare = typeof (plain as Failed | undefined)?.status === 'number' ? (plain as Failed) : {};
  const failure = (plain as { data?: { failure?: Failed } } | undefined)?.data?.failure ?? bare;
  return { status: failure.status ?? status, code: failure.code ?? `HTTP ${status}`, failure, ...rest };
}

/** A stream of HTTP, read as it comes. A refusal may also come as the first event of a stream that was let in. */
export function followHttp(url: string, init: RequestInit, read: (status: number, text: string) => Answer): Stream {
  const leaving = new AbortController();
  let text = '';
  const opened = (async (): Promise<Answer> => {
    const response = await fetch(url, { ...init, signal: leaving.signal });
    const streams = /text\/event-stream/.test(response.headers.get('content-type') ?? '');
    const decoder = new TextDecoder();
    const drained = (async () => {
      for await (const chunk of response.body ?? []) text += decoder.decode(chunk, { stream: true });
    })().catch(() => undefined);
    if (!streams) {
      await drained;
      return { ...read(response.status, text), headers: response.headers };
    }
    // A stream that is let in says so at once; one that fails says that.
    while (text === '') await Promise.race([drained, new Promise((next) => setTimeout(next, 2))]);
    const refused = /^event: (?:serialized-)?error\ndata: (.*)$/m.exec(text)?.[1];
    if (refused === undefined) return { status: response.status, code: 'OK', text, headers: response.headers };
    return { ...read(500, refused), text, headers: response.headers };
  })();
  opened.catch(() => undefined);
  return { opened, text: () => text, close: () => leaving.abort() };
}
