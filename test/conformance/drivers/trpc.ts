import { contracts, contractsOf } from '@olympus/contracts';
import {
  createTRPCUntypedClient,
  createWSClient,
  httpBatchLink,
  httpBatchStreamLink,
  httpLink,
  TRPCClientError,
  wsLink,
  type TRPCLink,
} from '@trpc/client';
import type { AnyTRPCRouter } from '@trpc/server';
import superjson from 'superjson';
import { WebSocket } from 'ws';
import type { CallOptions, Driver, Outcome } from '../scenario.ts';

const kinds = new Map([...contractsOf(contracts)].map(({ path, contract }) => [path, contract.kind]));

async function settle(answer: Promise<unknown>): Promise<Outcome> {
  try {
    return { ok: true, value: await answer };
  } catch (error) {
    if (!(error instanceof TRPCClientError)) throw error;
    const failure = (
      error.data as { failure?: { code: string; status: number; data: unknown; errors: unknown } } | undefined
    )?.failure;
    if (!failure) throw error;
    const { code, status, data, errors } = failure;
    return { ok: false, code, status, data, errors };
  }
}

const headersOf = ({ token, key }: CallOptions) => ({
  ...(token ? { authorization: `Bearer ${token}` } : {}),
  ...(key ? { 'idempotency-key': key } : {}),
});

function httpDriver(name: string, linkOf: (options: CallOptions) => TRPCLink<AnyTRPCRouter>): Driver {
  return {
    name,
    call(path, input, options) {
      const client = createTRPCUntypedClient({ links: [linkOf(options)] });
      return settle(kinds.get(path) === 'query' ? client.query(path, input) : client.mutation(path, input));
    },
    close: () => Promise.resolve(),
  };
}

/** A call among others: the neighbours must neither help nor harm it. */
function batchDriver(name: string, linkOf: (headers: () => Record<string, string>) => TRPCLink<AnyTRPCRouter>): Driver {
  return {
    name,
    async call(path, input, { token, key }) {
      const headers = () => ({
        ...(token ? { authorization: `Bearer ${token}` } : {}),
        // One key for each call, in call order; the neighbours have none.
        ...(key ? { 'idempotency-key': `${key},` } : {}),
      });
      const client = createTRPCUntypedClient({ links: [linkOf(headers)] });
      const query = kinds.get(path) === 'query';
      const answer = settle(query ? client.query(path, input) : client.mutation(path, input));
      const neighbour = query ? client.query('auth.me') : client.mutation('auth.validate', { token: 'none' });
      await Promise.allSettled([answer, neighbour]);
      return answer;
    },
    close: () => Promise.resolve(),
  };
}

export const trpcHttp = (url: string): Driver =>
  httpDriver('tRPC', (options) =>
    httpLink({ url: `${url}/trpc`, transformer: superjson, headers: headersOf(options) }),
  );

export const trpcBatch = (url: string): Driver =>
  batchDriver('tRPC batch', (headers) => httpBatchLink({ url: `${url}/trpc`, transformer: superjson, headers }));

export const trpcStream = (url: string): Driver =>
  batchDriver('tRPC streamed batch', (headers) =>
    httpBatchStreamLink({ url: `${url}/trpc`, transformer: superjson, headers }),
  );

/** One socket for each credential. A key travels beside the input, where the stock link has no place for it. */
export function trpcWebSocket(wsUrl: string): Driver {
  const sockets = new Map<string, ReturnType<typeof openSocket>>();
  return {
    name: 'tRPC WebSocket',
    call(path, input, { token, key }) {
      // A forged credential closes the socket; what the caller then sees is the refusal of the upgrade's own answer.
      if (token?.startsWith('eyJhbGciOiJub25l')) return refusedSocket(wsUrl, token);
      const socket = sockets.get(token ?? '') ?? openSocket(wsUrl, token);
      sockets.set(token ?? '', socket);
      socket.pending.key = key;
      const { client } = socket;
      return settle(kinds.get(path) === 'query' ? client.query(path, input) : client.mutation(path, input));
    },
    async close() {
      for (const socket of sockets.values()) await socket.close();
    },
  };
}

function openSocket(wsUrl: string, token: string | null) {
  /** The key of the next call that is sent. */
  const pending: { key: string | null } = { key: null };
  class KeyedSocket extends WebSocket {
    override send(data: string): void {
      const { key } = pending;
      if (key === null || !data.includes('"params"')) return super.send(data);
      pending.key = null;
      const message = JSON.parse(data) as { params: object } | { params: object }[];
      for (const call of Array.isArray(message) ? message : [message])
        Object.assign(call.params, { idempotencyKey: key });
      super.send(JSON.stringify(message));
    }
  }
  const ws = createWSClient({
    url: wsUrl,
    WebSocket: KeyedSocket as unknown as typeof globalThis.WebSocket,
    retryDelayMs: () => 20,
    ...(token ? { connectionParams: () => ({ token }) } : {}),
  });
  const client = createTRPCUntypedClient({ links: [wsLink({ client: ws, transformer: superjson })] });
  return { pending, client, close: () => ws.close() };
}

/** A socket with a bad credential is refused before any call: HTTP 401 to the upgrade. */
async function refusedSocket(wsUrl: string, token: string): Promise<Outcome> {
  const status = await new Promise<number>((done, fail) => {
    const socket = new WebSocket(wsUrl, { headers: { authorization: `Bearer ${token}` } });
    socket.on('unexpected-response', (_, response) => {
      done(response.statusCode ?? 0);
      socket.terminate();
    });
    socket.on('open', () => fail(new Error('a forged credential was let in')));
    socket.on('error', () => {});
  });
  return { ok: false, code: status === 401 ? 'UNAUTHENTICATED' : `HTTP ${status}`, status, data: null, errors: [] };
}
