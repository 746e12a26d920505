import { contracts, contractsOf } from '@olympus/contracts';
import { socketProtocol } from './socket.ts';
import {
  followHttp,
  headersOf,
  readJson,
  restAnswer,
  trpcAnswer,
  type Answer,
  type Call,
  type Protocol,
  type Stream,
} from './wire.ts';

export const tree = new Map([...contractsOf(contracts)].map(({ path, contract }) => [path, contract]));

const contractOf = (path: string) => {
  const contract = tree.get(path);
  if (!contract) throw new Error(`no contract ${path}`);
  return contract;
};

/** Every protocol that the tree is served over. Queries and mutations go over all, subscriptions over those that stream. */
export function protocolsOf(url: string): Protocol[] {
  return [rest(url), trpc(url), trpcBatch(url), trpcStream(url), socketProtocol(`${url.replace('http', 'ws')}/ws`)];
}
export const protocolNames = ['REST', 'tRPC', 'tRPC batch', 'tRPC streamed batch', 'WebSocket'] as const;

/** Whether a protocol has a way to make the call: streams go over REST, tRPC's server-sent events and sockets. */
export const carries = ({ name }: Pick<Protocol, 'name'>, path: string): boolean =>
  contractOf(path).kind !== 'subscription' || !name.includes('batch');

/** Half a character has no encoding; what goes out in its place is no UTF-8 either. */
const encoded = (text: string): string =>
  text
    .split(/(\p{Surrogate})/u)
    .map((part, n) => (n % 2 ? '%ED%A0%80' : encodeURIComponent(part)))
    .join('');

function restRequest(url: string, call: Call): { url: string; init: RequestInit } {
  const { def } = contractOf(call.path);
  const [method = '', template = ''] = def.rest.split(' ');
  const input = { ...(call.input as Record<string, unknown> | undefined) };
  const take = (name: string) => {
    const value = Object.hasOwn(input, name) ? input[name] : undefined;
    delete input[name];
    return value;
  };
  const path = template.replace(/\{(\w+)\}/g, (_, name: string) => encoded(String(take(name))));
  const bodiless = method === 'GET' || method === 'DELETE';
  const inQuery = Object.keys(input).filter((name) => bodiless || def.query?.includes(name));
  const query = new URLSearchParams(
    inQuery.map((name): [string, string] => {
      const value = take(name);
      return [name, typeof value === 'string' ? value : JSON.stringify(value ?? null)];
    }),
  );
  return {
    url: `${url}/api/v1${path}${query.size ? `?${query}` : ''}`,
    init: {
      method,
      headers: {
        // What serves bytes tells of them as JSON where that is asked for.
        ...(def.serves && { accept: 'application/json' }),
        ...headersOf(call),
        ...(bodiless ? {} : { 'content-type': 'application/json' }),
      },
      ...(bodiless ? {} : { body: JSON.stringify(input) }),
    },
  };
}

const rest = (url: string): Protocol => ({
  name: 'REST',
  async call(call) {
    if (contractOf(call.path).kind === 'subscription') return once(this.follow(call));
    const request = restRequest(url, call);
    const response = await fetch(request.url, request.init);
    return restAnswer(response.status, await response.text(), response.headers);
  },
  follow(call) {
    const request = restRequest(url, call);
    return followHttp(request.url, request.init, (status, text) => {
      const problem = restAnswer(status, text, new Headers());
      return { ...problem, status: problem.failure?.status ?? status };
    });
  },
  close: () => undefined,
});

const trpc = (url: string): Protocol => ({
  name: 'tRPC',
  async call(call) {
    const { kind } = contractOf(call.path);
    if (kind === 'subscription') return once(this.follow(call));
    const payload = JSON.stringify({ json: call.input ?? null });
    const get = kind === 'query' && payload.length < 4000;
    const response = await fetch(
      `${url}/trpc/${call.path}${get ? `?input=${encodeURIComponent(payload)}` : ''}`,
      get
        ? { headers: headersOf(call) }
        : { method: 'POST', headers: { ...headersOf(call), 'content-type': 'application/json' }, body: payload },
    );
    const text = await response.text();
    return trpcAnswer(response.status, readJson(text), { text, headers: response.headers });
  },
  follow(call) {
    const input = encodeURIComponent(JSON.stringify({ json: call.input ?? {} }));
    const init = { headers: { ...headersOf(call), accept: 'text/event-stream' } };
    return followHttp(`${url}/trpc/${call.path}?input=${input}`, init, (status, text) => {
      const body = readJson(text);
      const wrapped =
        body && typeof body === 'object' && ('error' in body || 'result' in body) ? body : { error: body };
      return trpcAnswer(status, wrapped, { text, headers: null });
    });
  },
  close: () => undefined,
});

const noStreams = (): Stream => {
  throw new Error('a batch carries no stream');
};
/** A call of a batch that also holds another one: neighbours must neither help nor harm it. */
const neighbour = { path: 'auth.validate', input: { token: 'none' } };

const trpcBatch = (url: string): Protocol => ({
  name: 'tRPC batch',
  async call(call) {
    const keys = call.key ? { 'idempotency-key': `${call.key},` } : {};
    const response = await fetch(`${url}/trpc/${call.path},${neighbour.path}?batch=1`, {
      method: 'POST',
      headers: { ...headersOf(call), ...keys, 'content-type': 'application/json' },
      body: JSON.stringify({ 0: { json: call.input ?? null }, 1: { json: neighbour.input } }),
    });
    const text = await response.text();
    const answers = readJson(text);
    const first: unknown = Array.isArray(answers) ? answers[0] : answers;
    return trpcAnswer(response.status, first, { text: JSON.stringify(first) ?? text, headers: response.headers });
  },
  follow: noStreams,
  close: () => undefined,
});

/** tRPC's JSON lines: `[chunk, state, [[value]]]`, the last of which holds the value or the failure of the one call. */
function lastOf(text: string): unknown {
  const chunks = text
    .trim()
    .split('\n')
    .map((line) => (readJson(line) as { json?: unknown } | undefined)?.json);
  const last = chunks.at(-1);
  return Array.isArray(last) ? (last[2] as unknown[][] | undefined)?.[0]?.[0] : undefined;
}

/** Wherever tRPC has put it. */
function failureIn(text: string): Answer['failure'] {
  const search = (node: unknown): unknown => {
    if (typeof node !== 'object' || node === null) return undefined;
    if ('failure' in node) return node.failure;
    return Object.values(node).reduce<unknown>((hit, child) => hit ?? search(child), undefined);
  };
  if (!text.includes('"failure"')) return undefined;
  return text.split('\n').reduce<unknown>((hit, line) => hit ?? search(readJson(line)), undefined) as Answer['failure'];
}

const trpcStream = (url: string): Protocol => ({
  name: 'tRPC streamed batch',
  async call(call) {
    const response = await fetch(`${url}/trpc/${call.path}?batch=1`, {
      method: 'POST',
      headers: { ...headersOf(call), 'content-type': 'application/json', 'trpc-accept': 'application/jsonl' },
      body: JSON.stringify({ 0: { json: call.input ?? null } }),
    });
    const { status, headers } = response;
    const text = await response.text();
    const failure = failureIn(text);
    if (failure) return { status: failure.status ?? status, code: failure.code ?? '', failure, text, headers };
    return { status, code: status < 400 ? 'OK' : `HTTP ${status}`, value: lastOf(text), text, headers };
  },
  follow: noStreams,
  close: () => undefined,
});

/** Opens a stream only to see what comes of it. */
export async function once(stream: Stream): Promise<Answer> {
  try {
    return await stream.opened;
  } finally {
    stream.close();
  }
}
