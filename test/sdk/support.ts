import { createOlympus, type Olympus as Client, type OlympusOptions, type Session } from '@olympus/client';
import { WebSocket } from 'ws';
import { startOlympus, type Olympus } from '../harness.ts';
import { startFaultProxy, type FaultProxy } from './fault-proxy.ts';

export interface Setup {
  readonly olympus: Olympus;
  /** Stands between the clients and the server. */
  readonly proxy: FaultProxy;
  /** A client of a tenant of its own, signed in. Node 20 has no WebSocket, so it is given one. */
  client(options?: Partial<OlympusOptions>): Promise<Client>;
  /** A client that is not signed in. */
  stranger(options?: Partial<OlympusOptions>): Client;
  close(): Promise<void>;
}

export async function setUp(env?: Readonly<Record<string, string>>): Promise<Setup> {
  const olympus = await startOlympus(env);
  const proxy = await startFaultProxy(olympus.url);
  const clients: Client[] = [];
  const stranger: Setup['stranger'] = (options) => {
    const client = createOlympus({ url: proxy.url, WebSocket, ...options });
    clients.push(client);
    return client;
  };
  return {
    olympus,
    proxy,
    stranger,
    async client(options) {
      const client = stranger(options);
      await client.auth.register.mutate(registration());
      proxy.seen.length = 0;
      return client;
    },
    async close() {
      for (const client of clients) client.$close();
      await proxy.close();
      await olympus.close();
    },
  };
}

let shops = 0;
export const password = 'correct horse battery';
export const registration = () => {
  const name = `${process.pid}-${Date.now().toString(36)}-${++shops}`;
  return { tenant: `Shop ${name}`, name: 'Olive', email: `o-${name}@shop.test`, password, currency: 'GBP' };
};

/** A store whose content tests can see and change. */
export function openStore() {
  const store = {
    session: null as (Session & { expiresAt?: number }) | null,
    get: () => store.session,
    set: (session: Session | null) => {
      store.session = session;
    },
  };
  return store;
}

/** The paths of the requests so far. */
export const pathsOf = ({ seen }: FaultProxy): string[] => seen.map(({ path }) => path);

export async function addProduct(api: Client, stock = 10) {
  const sku = `sku-${++shops}`;
  return api.products.create.mutate({ sku, name: 'Mug', price: { amount: '2.50', currency: 'GBP' }, stock });
}

/** Resolves once `done` holds; fails after `ms`. */
export async function until(done: () => boolean | Promise<boolean>, ms = 10_000): Promise<void> {
  const end = Date.now() + ms;
  while (!(await done())) {
    if (Date.now() > end) throw new Error('it did not come to pass');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
