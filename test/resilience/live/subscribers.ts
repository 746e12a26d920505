import { createOlympus, type OrderEvent } from '@olympus/client';
import type { RouterOf, contracts } from '@olympus/contracts';
import { createTRPCClient, createWSClient, httpSubscriptionLink, wsLink, type TRPCClient } from '@trpc/client';
import { EventSource } from 'eventsource';
import { setTimeout as sleep } from 'node:timers/promises';
import superjson from 'superjson';
import { WebSocket } from 'ws';
import type { Session } from '../../harness.ts';
import type { Received } from './history.ts';
import type { Wire } from './wire.ts';

type Router = RouterOf<typeof contracts>;
type Item = { readonly id: string; readonly data: OrderEvent };

/** Somebody who follows the orders of a tenant, cut off again and again, and remembers what came. */
export interface Subscriber {
  readonly name: string;
  readonly wire: Wire;
  readonly history: Received[];
  /** Of the last event, as it would be kept over a restart of an app. */
  lastEventId: string | undefined;
  /** How often it has begun to follow or gone on. */
  connections: number;
  /** Goes away; what was on its way to it is lost. */
  leave(): void;
  /** Comes back, to wherever the balancer leads. */
  join(): void;
}

/** Begins to follow behind `lastEventId`; returns how to leave. */
type Follow = (about: { wire: Wire; session: Session; lastEventId: string | undefined; take: Take }) => () => void;
interface Take {
  /** A connection stands. */
  started(): void;
  item(item: Item): void;
}

/** The stock client waits for ever for a socket to open. */
class HurriedSocket extends WebSocket {
  constructor(url: string) {
    super(url, { handshakeTimeout: 10_000 });
  }
}

/** For an answer to begin. */
const patienceMs = 20_000;
const retryMs = () => 50 + Math.random() * 300;

export const ways: Readonly<Record<string, Follow>> = {
  'tRPC over WebSocket, stock client': ({ wire, session, lastEventId, take }) => {
    const socket = createWSClient({
      url: `ws://${wire.host}/ws`,
      WebSocket: HurriedSocket as never,
      connectionParams: () => ({ token: session.accessToken }),
      retryDelayMs: retryMs,
      keepAlive: { enabled: true, intervalMs: 3000, pongTimeoutMs: 2000 },
    });
    const client = createTRPCClient<Router>({ links: [wsLink({ client: socket, transformer: superjson })] });
    const leave = followByTrpc(client, { lastEventId, take });
    return () => {
      leave();
      void socket.close();
    };
  },

  'tRPC over SSE, stock client': ({ wire, session, lastEventId, take }) => {
    const client = createTRPCClient<Router>({
      links: [
        httpSubscriptionLink<Router, typeof EventSource>({
          url: `http://${wire.host}/trpc`,
          transformer: superjson,
          EventSource,
          eventSourceOptions: {
            async fetch(url, init) {
              // A connection that is dead before its answer has begun is found out by nobody but who asks. The reason is an
              // error of its own: after an `AbortError` an EventSource would never try again.
              const patience = new AbortController();
              const timer = setTimeout(() => patience.abort(new TypeError('no answer')), patienceMs);
              const signal = init.signal
                ? AbortSignal.any([init.signal as AbortSignal, patience.signal])
                : patience.signal;
              const headers = { ...init.headers, authorization: `Bearer ${session.accessToken}` };
              return fetch(url, { ...init, signal, headers }).finally(() => clearTimeout(timer));
            },
          },
        }),
      ],
    });
    return followByTrpc(client, { lastEventId, take });
  },

  'REST event stream': ({ wire, session, lastEventId, take }) => {
    const leaving = new AbortController();
    let last = lastEventId;
    const follow = async () => {
      // The server pings every 15 s: a stream that says less is dead.
      const silence = new AbortController();
      let timer = setTimeout(() => silence.abort(), 20_000);
      try {
        const response = await fetch(`http://${wire.host}/api/v1/orders/events`, {
          headers: { authorization: `Bearer ${session.accessToken}`, ...(last && { 'last-event-id': last }) },
          signal: AbortSignal.any([leaving.signal, silence.signal]),
        });
        if (response.status !== 200 || !response.body) return;
        take.started();
        let text = '';
        for await (const chunk of response.body) {
          clearTimeout(timer);
          timer = setTimeout(() => silence.abort(), 20_000);
          text += Buffer.from(chunk).toString();
          const blocks = text.split('\n\n');
          text = blocks.pop() ?? '';
          for (const block of blocks) {
            const [, id] = /^id: (.*)$/m.exec(block) ?? [];
            const [, data] = /^data: (.*)$/m.exec(block) ?? [];
            if (id === undefined || data === undefined || leaving.signal.aborted) continue;
            last = id;
            take.item({ id, data: JSON.parse(data) as OrderEvent });
          }
        }
      } finally {
        clearTimeout(timer);
      }
    };
    void (async () => {
      while (!leaving.signal.aborted) {
        await follow().catch(() => {});
        await sleep(retryMs(), undefined, { ref: false });
      }
    })();
    return () => leaving.abort();
  },

  'SDK over WebSocket': (about) => followBySdk('ws', about),
  'SDK over SSE': (about) => followBySdk('sse', about),
  'SDK over long polling': (about) => followBySdk('poll', about),
};

/** The stock client goes on by itself after a lost connection; what the server refuses in passing, its user asks again. */
function followByTrpc(
  client: TRPCClient<Router>,
  { lastEventId, take }: Pick<Parameters<Follow>[0], 'lastEventId' | 'take'>,
): () => void {
  let subscription: { unsubscribe(): void };
  let starting: NodeJS.Timeout | undefined;
  let left = false;
  const subscribe = (from: string | undefined) => {
    let last = from;
    let over = false;
    const again = () => {
      if (over) return;
      over = true;
      clearTimeout(starting);
      setTimeout(() => left || subscribe(last), retryMs());
    };
    // How long a stream may be silent, its first event tells: until then the stock client waits for ever.
    starting = setTimeout(() => {
      subscription.unsubscribe();
      again();
    }, patienceMs);
    subscription = client.orders.updates.subscribe(
      { lastEventId: last },
      {
        onStarted: () => {
          clearTimeout(starting);
          take.started();
        },
        onData: (item) => {
          if (over) return;
          last = item.id;
          take.item(item);
        },
        onError: again,
        onComplete: again,
      },
    );
  };
  subscribe(lastEventId);
  return () => {
    left = true;
    clearTimeout(starting);
    subscription.unsubscribe();
  };
}

function followBySdk(
  subscriptions: 'ws' | 'sse' | 'poll',
  { wire, session, lastEventId, take }: Parameters<Follow>[0],
) {
  const api = createOlympus({
    url: `http://${wire.host}`,
    WebSocket,
    transport: { subscriptions },
    session: { get: () => session, set: () => undefined },
  });
  const subscription = api.orders.updates.subscribe(
    { lastEventId },
    {
      onStarted: () => take.started(),
      onData: (item) => take.item(item),
      onError: (error) => process.stderr.write(`  the SDK gave up: ${String(error)}\n`),
    },
  );
  return () => {
    subscription.unsubscribe();
    api.$close();
  };
}

export function createSubscriber(name: string, follow: Follow, wire: Wire, session: Session): Subscriber {
  let leave: (() => void) | null = null;
  const subscriber: Subscriber = {
    name,
    wire,
    history: [],
    lastEventId: undefined,
    connections: 0,
    leave() {
      leave?.();
      leave = null;
    },
    join() {
      if (leave) return;
      let present = true;
      const take: Take = {
        started: () => void subscriber.connections++,
        item({ id, data }) {
          if (!present) return;
          subscriber.lastEventId = id;
          if (data.type === 'reset') subscriber.history.push({ reset: data.reason });
          else if (data.type === 'order.created') subscriber.history.push({ event: data.order.notes ?? '' });
        },
      };
      const end = follow({ wire, session, lastEventId: subscriber.lastEventId, take });
      leave = () => {
        present = false;
        end();
      };
    },
  };
  return subscriber;
}
