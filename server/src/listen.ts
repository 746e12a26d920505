import { once } from 'node:events';
import type { Server } from 'node:http';
import type { Config } from './config.ts';
import type { Kernel } from './kernel/execute.ts';
import { clientAddress } from './platform/client-address.ts';
import { drainable } from './platform/drain.ts';
import type { Health } from './platform/health.ts';
import type { Lifecycle } from './platform/lifecycle.ts';
import type { Metrics } from './platform/telemetry.ts';
import { docs } from './transports/docs-page.ts';
import { createEdge } from './transports/edge.ts';
import { createHttpServer } from './transports/http-server.ts';
import { keySet } from './transports/key-set.ts';
import { renderOpenApi } from './transports/openapi.ts';
import { restHandler } from './transports/rest.ts';
import { trpcHttp } from './transports/trpc-http.ts';
import { createRouter } from './transports/trpc-router.ts';
import { trpcWs } from './transports/trpc-ws.ts';

export interface ListenOptions {
  readonly config: Config;
  readonly kernel: Kernel;
  readonly health: Health;
  readonly telemetry: Metrics;
  readonly jwks: () => { readonly keys: readonly object[] };
  readonly lifecycle: Lifecycle;
}

// Clients on kept connections learn from an answer that they should leave; this is how long they are given to ask.
const farewellMs = 500;

/** Serves every protocol on the configured port until the process drains. */
export async function listen({ config, kernel, health, telemetry, jwks, lifecycle }: ListenOptions): Promise<Server> {
  const { allowedOrigins } = config;
  const shared = { kernel, addressOf: clientAddress(config.trustedProxies) };
  const closing = lifecycle.draining;
  const sockets = trpcWs({ ...shared, allowedOrigins });
  const server = createHttpServer({
    trpc: trpcHttp({ ...shared, router: createRouter(kernel), allowedOrigins, closing }),
    rest: restHandler({ ...shared, allowedOrigins, closing }),
    edge: createEdge({
      health,
      jwks: keySet({ published: jwks, cacheSeconds: config.keys.jwksCacheSeconds }),
      metrics: () => {
        telemetry.setOpenSockets('trpc-ws', sockets.open);
        return telemetry.metrics();
      },
      openApi: renderOpenApi,
      docs: docs(),
    }),
    upgrade: (request, socket, head) => sockets.upgrade(request, socket, head),
    allowedOrigins,
    uploadTypes: new Set(kernel.procedures.flatMap(({ contract }) => contract.def.upload ?? [])),
  });
  const drain = drainable(server);
  server.listen(config.port, config.host);
  await once(server, 'listening');

  lifecycle.onStop('http', () => Promise.all([drain({ farewellMs }), sockets.drain()]));
  return server;
}
