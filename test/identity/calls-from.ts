import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';

interface Call {
  readonly from: string;
  readonly method?: string;
  readonly token?: string;
  readonly body?: unknown;
}
export interface Answer<T> {
  readonly status: number;
  readonly body: T;
}

/** A call of REST from an address of this machine; any of 127.0.0.0/8 is one. */
export async function callFrom<T = { code: string }>(
  url: string,
  path: string,
  { from, method = 'GET', token, body }: Call,
): Promise<Answer<T>> {
  const asked = request(`${url}/api/v1${path}`, {
    method,
    localAddress: from,
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
  });
  asked.end(body === undefined ? undefined : JSON.stringify(body));
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of answer as AsyncIterable<Buffer>) text += chunk.toString();
  return { status: answer.statusCode ?? 0, body: (text ? JSON.parse(text) : null) as T };
}
