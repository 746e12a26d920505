import { TRPCUntypedClient, type TRPCLink } from '@trpc/client';
import { ApiKeyKeeper } from './api-key.ts';
import { callLink, type CallDefaults, type WireContext } from './calls.ts';
import type { Olympus } from './client-types.ts';
import type { Session } from './contracts.ts';
import type { Credentials } from './credentials.ts';
import type { Endpoint } from './endpoint.ts';
import { httpLink } from './http.ts';
import type { OlympusOptions } from './options.ts';
import type { OlympusRouter } from './procedures.ts';
import { clientProxy } from './proxy.ts';
import { resuming } from './resume.ts';
import { memorySession, SessionKeeper } from './session.ts';
import { Socket } from './socket.ts';
import { sseLink } from './sse.ts';

/**
 * A typed client of the Olympus server at `url`.
 * @example
 * const api = createOlympus({ url: 'https://api.example.com' });
 * await api.auth.login.mutate({ email, password });
 * const page = await api.orders.list.query({ limit: 20 });
 */
export function createOlympus(options: OlympusOptions): Olympus {
  const { batch = true, timeoutMs = 30_000, retries = 3, session, apiKey: key, onSessionEnd: onEnd } = options;
  if (key !== undefined && session) throw new TypeError('A client has an `apiKey` or a `session`, not both');
  const limits: CallDefaults = { timeoutMs, retries };
  const renewal = { context: { renewal: true } satisfies WireContext };
  const exchange = (refreshToken: string): Promise<Session> =>
    client.mutation('auth.refresh', { refreshToken }, renewal) as Promise<Session>;
  const check = () => client.query('auth.me', undefined, renewal);
  const keeper: Credentials =
    key === undefined
      ? new SessionKeeper({ store: session ?? memorySession(), exchange, onEnd })
      : new ApiKeyKeeper({ key, check, onEnd });
  const endpoint: Endpoint = {
    url: new URL(options.url, globalThis.location?.href).href.replace(/\/+$/, ''),
    fetch: options.fetch ?? ((input, init) => fetch(input, init)),
    headers: options.headers,
    keeper,
  };
  const calls = httpLink(endpoint, batch === true ? {} : batch || { maxItems: 1 });
  const live = liveTransport(endpoint, options);
  const resume = resuming(keeper, live.tokenOf);
  const wire: TRPCLink<OlympusRouter> = (runtime) => {
    const [call, subscribe] = [calls(runtime), live.link(runtime)];
    return (given) => (given.op.type === 'subscription' ? subscribe(given) : call(given));
  };
  const client = new TRPCUntypedClient<OlympusRouter>({ links: [callLink(keeper, limits), resume.link, wire] });
  const close = () => {
    resume.finishAll();
    live.close();
  };
  return clientProxy({ client, endpoint, limits, close });
}

interface LiveTransport {
  readonly link: TRPCLink<OlympusRouter>;
  /** The token under which a stream that was started with this context runs. */
  readonly tokenOf: (context: object) => string | null | undefined;
  readonly close: () => void;
}

function liveTransport(endpoint: Endpoint, { transport, WebSocket: given }: OlympusOptions): LiveTransport {
  const wanted = transport?.subscriptions;
  const WebSocketClass = (given ?? globalThis.WebSocket) as typeof WebSocket | undefined;
  if (WebSocketClass && wanted !== 'sse') {
    const url = `${endpoint.url.replace(/^http/, 'ws')}/ws`;
    const socket = new Socket({ url, keeper: endpoint.keeper, WebSocket: WebSocketClass });
    return { link: socket.link, tokenOf: () => socket.token, close: () => socket.close() };
  }
  if (wanted === 'ws') throw new TypeError(`${noWebSocket}, or leave the choice to the client`);
  const events = sseLink(endpoint);
  let told = wanted === 'sse';
  const link: TRPCLink<OlympusRouter> = (runtime) => (call) => {
    // oxlint-disable-next-line no-console -- said once: it works, but not as most expect.
    if (!told) console.warn(`${noWebSocket}. Live updates come by server-sent events; ${silence}`);
    told = true;
    return events(runtime)(call);
  };
  return { link, tokenOf: (context) => (context as WireContext).token, close: () => undefined };
}

const silence = "`transport: { subscriptions: 'sse' }` says that this is meant";
const noWebSocket =
  "There is no WebSocket here, as in Node before version 22: pass one, `createOlympus({ url, WebSocket })` with `import { WebSocket } from 'ws'`";
