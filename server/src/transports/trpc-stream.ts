import type { AnyTRPCRouter } from '@trpc/server';
import { nodeHTTPRequestHandler } from '@trpc/server/adapters/node-http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Caller } from '../kernel/context.ts';
import type { Departures } from './departures.ts';
import { credentialOf } from './connection-params.ts';
import { commonHeaders, type Exchange } from './reply.ts';
import type { TrpcLimits } from './trpc-limits.ts';
import type { TrpcRequest } from './trpc-request.ts';
import type { TrpcContext } from './trpc-router.ts';
import { parseText } from './wire-input.ts';

export type ServeStream = (exchange: Exchange, request: TrpcRequest) => Promise<void>;

interface Options {
  readonly router: AnyTRPCRouter;
  readonly limits: TrpcLimits;
  readonly departures: Departures;
}

/** Streamed batches and subscriptions over server-sent events, by tRPC's own adapter once our bounds have been kept. */
export function trpcStreams({ router, limits, departures }: Options): ServeStream {
  const watchStalled = stallWatch(limits);

  return async (exchange, { batch, calls, query, body }) => {
    const { request, response } = exchange;
    const base = exchange.caller as Caller;
    const caller: Caller = batch
      ? base
      : { ...base, protocol: 'sse', credential: base.credential ?? paramsCredential(query) };
    for (const [name, value] of Object.entries(commonHeaders({ ...exchange, caller }, null)))
      if (value !== undefined) response.setHeader(name, value);
    // A batch ends by itself; a subscription's reader comes back to another replica.
    const stay = batch ? null : departures.add(() => response.destroy());
    if (response.destroyed) return;
    // tRPC's adapter would put its own in the place of what CORS has said, and of what keeps an answer to its caller.
    const kept = ['vary', 'cache-control'].flatMap((name): [string, string][] => {
      const value = response.getHeader(name);
      return value === undefined ? [] : [[name, String(value)]];
    });
    const unwatch = watchStalled(response);
    response.once('close', () => {
      stay?.();
      unwatch();
    });
    const context: TrpcContext = { caller, idempotencyKeys: calls.map((call) => call.idempotencyKey) };
    await nodeHTTPRequestHandler({
      router,
      req: withBody(request, body),
      res: response,
      path: calls.map((call) => call.path).join(','),
      maxBatchSize: limits.batchCalls,
      maxBodySize: limits.bodyBytes,
      allowMethodOverride: true,
      createContext: () => Promise.resolve(context),
      responseMeta: () => ({ headers: new Headers(kept) }),
    });
  };
}

/** EventSource can set no header. */
function paramsCredential(query: TrpcRequest['query']): string | null {
  const text = query.get('connectionParams')?.[0];
  return text === undefined ? null : credentialOf(parseText(text, 'connectionParams'));
}

/** The body has been read already, and tRPC's adapter takes it from there. */
const withBody = (request: IncomingMessage, body: string | null): IncomingMessage =>
  body === null ? request : Object.assign(request, { body });

/** Destroys responses whose reader has taken nothing for `stalledMs`: what they hold must not be held for ever. */
function stallWatch({ stalledMs, sweepMs }: TrpcLimits): (response: ServerResponse) => () => void {
  const watched = new Map<ServerResponse, { taken: number; since: number }>();
  let timer: NodeJS.Timeout | undefined;
  const sweep = () => {
    const now = performance.now();
    for (const [response, state] of watched) {
      const { socket } = response;
      const taken = (socket?.bytesWritten ?? 0) - response.writableLength;
      if (response.writableLength === 0 || taken !== state.taken) watched.set(response, { taken, since: now });
      else if (now - state.since >= stalledMs) response.destroy();
    }
  };
  return (response) => {
    watched.set(response, { taken: 0, since: performance.now() });
    timer ??= setInterval(sweep, sweepMs).unref();
    return () => {
      watched.delete(response);
      if (watched.size > 0) return;
      clearInterval(timer);
      timer = undefined;
    };
  };
}
