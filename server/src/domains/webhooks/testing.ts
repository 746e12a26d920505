import { contracts, type Session, type Webhook, type WebhookDelivery } from '@olympus/contracts';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createConsumers } from '../../events/consumers/consumers.ts';
import { createRelay } from '../../events/relay.ts';
import { append } from '../../events/outbox.ts';
import { orderEvent } from '../../events/testing/installation.ts';
import { createLogger } from '../../platform/logger.ts';
import { createOutbound } from '../../platform/outbound.ts';
import { procedures, startTestKernel, type TestDependencies, type TestKernel } from '../testing.ts';
import { createWebhooks, type Webhooks } from './index.ts';

/** What came to a receiver. */
export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A partner's server on this machine; `answers` are its next statuses by path, 204 where there is none. */
export interface Receiver {
  readonly url: string;
  readonly received: Received[];
  readonly answers: Map<string, number | 'never' | { readonly status: number; readonly retryAfter: string }>;
  at(path: string): Received[];
  close(): Promise<void>;
}

export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  const answers: Receiver['answers'] = new Map();
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      const path = request.url ?? '';
      received.push({ path, headers: request.headers, body });
      const answer = answers.get(path) ?? 204;
      if (answer === 'never') return;
      if (typeof answer === 'number') response.writeHead(answer).end();
      else response.writeHead(answer.status, { 'retry-after': answer.retryAfter }).end();
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    answers,
    at: (path) => received.filter((one) => one.path === path),
    async close() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

export interface Desk {
  readonly tenantId: string;
  call<T = unknown>(path: string, input?: object): Promise<T>;
  refusal(path: string, input?: object): Promise<{ code: string; data: unknown }>;
  create(url: string, rest?: object): Promise<{ webhook: Webhook; secret: string }>;
  deliveries(webhookId: string, filters?: object): Promise<WebhookDelivery[]>;
  /** Commits an event of a new order with these notes. */
  sell(notes: string): Promise<void>;
}

export interface WebhooksKernel extends TestKernel {
  /** Everything that was logged. */
  readonly lines: string[];
  open(): Promise<Desk>;
}

/** A kernel whose events are sent to partners on this machine, or with `allowLoopback: false` are not. */
export async function startWebhooks(
  databaseUrl: string | undefined,
  { allowLoopback = true }: { allowLoopback?: boolean } = {},
): Promise<WebhooksKernel> {
  const lines: string[] = [];
  const log = createLogger({ level: 'trace', destination: { write: (line) => void lines.push(line) } });
  let started: Promise<() => Promise<void>> | undefined;
  let webhooks: Webhooks | undefined;
  const serve = async (made: Webhooks, { database, clock, ids }: TestDependencies) => {
    const consumers = createConsumers([made.consumer], { database, clock, ids, log });
    const relay = createRelay({ database, clock, ids, log, onPlaced: consumers.wake });
    for (const part of [relay, made.sender, consumers]) part.start();
    return async () => {
      for (const part of [consumers, made.sender, relay]) await part.stop();
    };
  };
  const all = (deps: TestDependencies) => {
    const { database, clock, ids, cursors, authOptions } = deps;
    const outbound = createOutbound({ httpsOnly: false, allowLoopback });
    const { secrets } = authOptions;
    webhooks = createWebhooks({ database, cursors, secrets, outbound, clock, ids, log, attemptMs: 1500 });
    started = serve(webhooks, deps);
    return procedures('webhooks', contracts.webhooks, webhooks.handlers);
  };
  const kernel = await startTestKernel({ databaseUrl, procedures: all });
  const stop = await started;

  async function open(): Promise<Desk> {
    const { accessToken: token, user } = await kernel.register();
    const signedIn = { token, at: kernel.clock.now().getTime() };
    const { tenant } = await kernel.call<{ tenant: { id: string } }>('auth.me', undefined, { token });
    // Tests set the clock on by hours, and tokens end.
    const fresh = async (): Promise<{ token: string }> => {
      if (kernel.clock.now().getTime() - signedIn.at > 600_000) {
        const credentials = { email: user.email, password: 'correct horse battery' };
        signedIn.token = (await kernel.call<Session>('auth.login', credentials)).accessToken;
        signedIn.at = kernel.clock.now().getTime();
      }
      return { token: signedIn.token };
    };
    const call: Desk['call'] = async (path, input) => kernel.call(path, input, await fresh());
    return {
      tenantId: tenant.id,
      call,
      refusal: async (path, input) => kernel.refusal(path, input, await fresh()),
      create: (url, rest = {}) => call('webhooks.create', { url, types: ['order.created'], ...rest }),
      deliveries: async (webhookId, filters = {}) =>
        (await call<{ items: WebhookDelivery[] }>('webhooks.deliveries', { webhookId, ...filters })).items,
      async sell(notes) {
        const event = orderEvent(notes);
        const about = { clock: kernel.clock, requestId: 'test', stale: new Set<string>() };
        await kernel.database.transaction(tenant.id, (db) =>
          append({ db, ...about }, { topic: 'orders', id: event.orderId }, event),
        );
      },
    };
  }
  return {
    ...kernel,
    lines,
    open,
    async close() {
      await stop?.();
      await kernel.close();
    },
  };
}
