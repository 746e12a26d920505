import { once } from 'node:events';
import { request, type Agent, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';

export interface Sent {
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The address of this machine that the call comes from; any of 127.0.0.0/8 is one. */
  readonly from?: string;
  readonly agent?: Agent;
}

/** GET with headers as they are, from an address that may be chosen. */
export async function getFrom(
  url: string,
  { token, headers = {}, from, agent }: Sent = {},
): Promise<{ status: number; headers: IncomingHttpHeaders; text: string }> {
  const asked = request(url, {
    headers: { ...(token && { authorization: `Bearer ${token}` }), ...headers },
    ...(from && { localAddress: from }),
    ...(agent && { agent }),
  });
  asked.end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of answer as AsyncIterable<Buffer>) text += chunk.toString();
  return { status: answer.statusCode ?? 0, headers: answer.headers, text };
}
