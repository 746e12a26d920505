import { TRPCUntypedClient, type TRPCLink } from '@trpc/client';
import { ApiKeyKeeper } from './api-key.ts';
import { callLink, type CallDefaults, type WireContext } from './calls.ts';
import type { Olympus } from './client-types.ts';
import type { Session } from './contracts.ts';
import type { Credentials } from './credentials.ts';
import type { Endpoint } from './endpoint.ts';
import { httpLink } from './http.ts';
import { Ladder, type Way } from './ladder.ts';
import type { OlympusOptions } from './options.ts';
import { pollLink } from './poll.ts';
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
  live.onMove(resume.moveAll);
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

interface LiveTransport extends Way {
  /** Calls back when open streams are to be started anew, by another way. */
  onMove: (move: () => void) => void;
  readonly close: () => void;
}

function liveTransport(endpoint: Endpoint, { transport, WebSocket: given }: OlympusOptions): LiveTransport {
  const wanted = transport?.subscriptions;
  const WebSocketClass = (given ?? globalThis.WebSocket) as typeof WebSocket | undefined;
  if (wanted === 'ws' && !WebSocketClass) throw new TypeError(`${noWebSocket}, or leave the choice to the client`);

  const tokenOf = (context: object) => (context as WireContext).token;
  const sse: Way = { link: sseLink(endpoint), tokenOf };
  // What has an end gets through where streams are held back until theirs.
  const poll: Way = { link: byEnd({ endless: pollLink(endpoint), ending: sse.link }), tokenOf };
  if (wanted === 'sse' || wanted === 'poll') return fixed(wanted === 'sse' ? sse : poll);
  if (!WebSocketClass) return saying(climbing(new Ladder([sse, poll])));

  const url = `${endpoint.url.replace(/^http/, 'ws')}/ws`;
  const onBlocked = wanted ? {} : { onBlocked: () => ladder.block(ws) };
  const socket = new Socket({ url, keeper: endpoint.keeper, WebSocket: WebSocketClass, ...onBlocked });
  const ws: Way = { link: socket.link, tokenOf: () => socket.token };
  const ladder = new Ladder([ws, sse, poll]);
  return { ...(wanted ? fixed(ws) : climbing(ladder)), close: () => socket.close() };
}

const byEnd =
  ({ endless, ending }: Record<'endless' | 'ending', TRPCLink<OlympusRouter>>): TRPCLink<OlympusRouter> =>
  (runtime) => {
    const [follow, download] = [endless(runtime), ending(runtime)];
    return (call) => (call.op.path.endsWith('.export') ? download : follow)(call);
  };

const nothing = () => undefined;
const fixed = (way: Way): LiveTransport => ({ ...way, onMove: nothing, close: nothing });
const climbing = (ladder: Ladder): LiveTransport => ({
  link: ladder.link,
  tokenOf: ladder.tokenOf,
  onMove: (move) => (ladder.onClimb = move),
  close: nothing,
});
/** Says once that it works, but not as most expect. */
function saying(live: LiveTransport): LiveTransport {
  let told = false;
  const link: TRPCLink<OlympusRouter> = (runtime) => {
    const inner = live.link(runtime);
    return (call) => {
      // oxlint-disable-next-line no-console -- nobody would find out otherwise.
      if (!told) console.warn(`${noWebSocket}. Live updates come by server-sent events; ${meant}`);
      told = true;
      return inner(call);
    };
  };
  return { ...live, link };
}

const meant = "`transport: { subscriptions: 'sse' }` says that this is meant";
const noWebSocket =
  "There is no WebSocket here, as in Node before version 22: pass one, `createOlympus({ url, WebSocket })` with `import { WebSocket } from 'ws'`";
