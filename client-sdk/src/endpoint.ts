import { errorFrom, errorFromResponse, isJson } from './errors-from.ts';
import type { Credentials } from './credentials.ts';

export type Fetch = (input: string | URL, init?: RequestInit) => Promise<Response>;
export type HeaderSource = Record<string, string> | (() => Record<string, string> | Promise<Record<string, string>>);

/** A request that tells with which token it was sent. */
export interface Sent {
  token?: string | null;
}

/** Where the server is, and how it is spoken to. */
export interface Endpoint {
  /** Without a slash at its end. */
  readonly url: string;
  readonly fetch: Fetch;
  readonly headers: HeaderSource | undefined;
  readonly keeper: Credentials;
}

/** The application's own headers. */
export const ownHeaders = async ({ headers }: Endpoint): Promise<Record<string, string>> =>
  typeof headers === 'function' ? await headers() : { ...headers };

/** The application's headers with the credential, whose token is noted in each of `sent`. */
export async function signedHeaders(endpoint: Endpoint, sent: readonly Sent[]): Promise<Record<string, string>> {
  const [headers, token] = await Promise.all([ownHeaders(endpoint), endpoint.keeper.token()]);
  for (const request of sent) request.token = token;
  return token ? { ...headers, authorization: `Bearer ${token}` } : headers;
}

/** For tRPC's links: what is not JSON, such as a proxy's error page, is an error that knows its status. */
export const jsonFetch =
  ({ fetch }: Endpoint): Fetch =>
  async (input, init) => {
    const response = await fetch(input, init);
    const contentType = response.headers.get('content-type') ?? '';
    if (isJson(response) && !contentType.includes('problem')) return response;
    throw await errorFromResponse(response);
  };

interface SignedInit extends RequestInit {
  readonly headers: Record<string, string>;
  /** Where the token is noted. */
  readonly sent: Sent;
}

/** A signed request whose answer is a stream. Throws `OlympusError` unless it is a success. */
export async function request(endpoint: Endpoint, path: string, { sent, ...init }: SignedInit): Promise<Response> {
  const headers = { ...(await signedHeaders(endpoint, [sent])), ...init.headers };
  const response = await endpoint.fetch(endpoint.url + path, { ...init, headers });
  if (!response.ok) throw await errorFromResponse(response);
  return response;
}

/** Does again, once, what was refused for its token, if there is another token to be had. */
export async function renewing<T>(keeper: Credentials, sent: Sent, attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt();
  } catch (cause) {
    const error = errorFrom(cause);
    if (error.failure.code !== 'UNAUTHENTICATED' || !sent.token || !(await keeper.renew(sent.token))) throw error;
    return attempt();
  }
}
