import { once } from 'node:events';
import type { Server } from 'node:http';
import type { DataStore } from '@tus/server';
import type { Config } from './config.ts';
import type { Kernel } from './kernel/execute.ts';
import { Failure } from './kernel/failure.ts';
import type { GlobalAddresses } from './platform/address-file.ts';
import { clientAddress, networkOf, peerOf, proxyCheck } from './platform/client-address.ts';
import { limitConnections } from './platform/connection-limits.ts';
import { createDepartures, defaultPace } from './transports/departures.ts';
import { drainable } from './platform/drain.ts';
import type { Health } from './platform/health.ts';
import type { Lifecycle } from './platform/lifecycle.ts';
import { createMemoryCounters } from './platform/rate-counters.ts';
import { createSlots } from './platform/slots.ts';
import type { Metrics } from './platform/telemetry.ts';
import type { AddressOf } from './transports/caller.ts';
import { docs } from './transports/docs-page.ts';
import type { AdmitDocument } from './transports/documents.ts';
import { createEdge } from './transports/edge.ts';
import { createGate } from './transports/gate.ts';
import { createHttpServer } from './transports/http-server.ts';
import { keySet } from './transports/key-set.ts';
import { openAnswers } from './transports/open-answers.ts';
import { renderOpenApi } from './transports/openapi.ts';
import { restHandler } from './transports/rest.ts';
import { trpcHttp } from './transports/trpc-http.ts';
import { defaultTrpcLimits } from './transports/trpc-limits.ts';
import { createRouter } from './transports/trpc-router.ts';
import { refuseUpgrade, trpcWs } from './transports/trpc-ws.ts';
import { isTus, tusHandler, tusUploadType } from './transports/tus.ts';

export interface ListenOptions {
  readonly config: Config;
  readonly kernel: Kernel;
  readonly health: Health;
  readonly telemetry: Metrics;
  readonly jwks: () => { readonly keys: readonly object[] };
  readonly lifecycle: Lifecycle;
  readonly addresses: GlobalAddresses;
  /** Where resumable uploads are kept. */
  readonly uploads: DataStore;
}

/** Bytes of documents that an address is given in a minute: dozens of first visits, and far from what would spend memory. */
const documentBytes = 64 * 2 ** 20;

/** Files at once: who reads them slowly has the system hold megabytes of each. */
const transfersOfOneAddress = 64;

/** Connections that wait to be accepted: with Node's own 511, one address that opens hundreds at once makes others try again, seconds later. */
const backlog = 4096;

// Clients on kept connections learn from an answer that they should leave; this is how long they are given to ask.
const farewellMs = 500;

/** Serves every protocol on the configured port until the process drains. */
export async function listen(options: ListenOptions): Promise<Server> {
  const { config, kernel, health, telemetry, jwks, lifecycle, addresses, uploads } = options;
  const { allowedOrigins } = config;
  const shared = { kernel, addressOf: clientAddress(config.trustedProxies) };
  const drainMs = config.drainSeconds * 1000;
  const pace = { ...defaultPace, withinMs: Math.min(defaultPace.withinMs, drainMs * 0.75) };
  const departures = createDepartures(lifecycle.draining, pace);
  const sockets = trpcWs({ ...shared, pace, limits: { ...socketLimits(config), drainMs: drainMs * 0.85 } });
  const gate = createGate({ ...config, addressOf: shared.addressOf, refuses: (address) => !addresses.admits(address) });
  const isProxy = proxyCheck(config.trustedProxies);
  const answers = openAnswers({
    networkOf: ({ remoteAddress }) => {
      const address = peerOf(remoteAddress);
      return isProxy(address) ? null : networkOf(address);
    },
  });
  const admitDocument = documentLimit(shared.addressOf);
  const tls = config.publicUrl?.startsWith('https:') === true;
  const transfers = createSlots(transfersOfOneAddress);
  const rest = restHandler({
    ...shared,
    departures,
    takeTransfer: (request) => transfers(networkOf(shared.addressOf(request))),
  });
  const tus = tusHandler({ ...shared, store: uploads });
  const server = createHttpServer({
    trpc: trpcHttp({ ...shared, router: createRouter(kernel), departures }),
    rest: (request, response, path) => (isTus(path) ? tus : rest)(request, response, path),
    edge: createEdge({
      health,
      jwks: keySet({ published: jwks, cacheSeconds: config.keys.jwksCacheSeconds }),
      metrics: () => {
        telemetry.setOpenSockets('trpc-ws', sockets.open);
        return telemetry.metrics();
      },
      openApi: renderOpenApi,
      docs: docs({ admit: admitDocument }),
      admitDocument,
    }),
    upgrade: (request, socket, head) => sockets.upgrade(request, socket, head),
    refuseUpgrade,
    gate,
    answers,
    tls,
    allowedOrigins,
    uploadTypes: new Set([tusUploadType, ...kernel.procedures.flatMap(({ contract }) => contract.def.upload ?? [])]),
  });
  limitConnections(server, { ...config.connections, isProxy });
  const drain = drainable(server);
  addresses.onChange(() => {
    answers.cut((request) => gate.refuses(request));
    sockets.cut(({ address }) => !addresses.admits(address));
  });
  server.listen(config.port, config.host, backlog);
  await once(server, 'listening');

  lifecycle.onStop('http', () => Promise.all([drain({ farewellMs }), sockets.drain()]));
  return server;
}

/** A client that reconnects resumes all of its subscriptions in one message. */
function socketLimits({ streams: { perSocket } }: Config) {
  const { messageCalls, socketCalls } = defaultTrpcLimits;
  return {
    socketSubscriptions: perSocket,
    messageCalls: Math.max(messageCalls, perSocket),
    socketCalls: Math.max(socketCalls, perSocket * 2),
  };
}

/** Documents are for anybody, however often: whoever asks and does not read has the system hold them meanwhile. */
function documentLimit(addressOf: AddressOf): AdmitDocument {
  const take = createMemoryCounters();
  return (request, bytes) => {
    const window = { key: networkOf(addressOf(request)), limit: documentBytes, windowSeconds: 60 };
    const { allowed, counts } = take([window], bytes);
    const retryAfter = Math.max(1, Math.ceil((counts[0]?.msLeft ?? 0) / 1000));
    return allowed ? null : new Failure('RATE_LIMITED', { retryAfter });
  };
}
