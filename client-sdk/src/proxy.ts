import type { TRPCProcedureOptions, TRPCUntypedClient } from '@trpc/client';
import { download, upload, type ImportBody, type StreamOptions } from './bulk.ts';
import type { CallDefaults } from './calls.ts';
import type { Olympus } from './client-types.ts';
import { send, type ImageBody, type SendOptions } from './files.ts';
import type { Endpoint } from './endpoint.ts';
import { itemsOf, pagesOf } from './pages.ts';
import type { OlympusRouter } from './procedures.ts';

interface Parts {
  readonly client: TRPCUntypedClient<OlympusRouter>;
  readonly endpoint: Endpoint;
  readonly limits: CallDefaults;
  readonly close: () => void;
}
type Method = (path: string, ...args: never[]) => unknown;

// Where tRPC's own functions, such as its TanStack bindings, look for the client behind the proxy.
const untypedClient = Symbol.for('trpc_untypedClient');

/** The client as nested objects: `api.orders.list.query(…)` calls the method `query` with the path `orders.list`. */
export function clientProxy({ client, endpoint, limits, close }: Parts): Olympus {
  const queryOf = (path: string, options?: TRPCProcedureOptions) => (input: object) =>
    client.query(path, input, options) as never;
  const methods: Readonly<Record<string, Method>> = {
    query: (path, input, options) => client.query(path, input, options),
    mutate: (path, input, options) => client.mutation(path, input, options),
    subscribe: (path, input, options) => client.subscription(path, input, options),
    pages: (path, input: object, options) => pagesOf(queryOf(path, options), input),
    items: (path, input: object, options) => itemsOf(queryOf(path, options), input),
    // There is one call that takes a file, `products.setImage`.
    send: (_path, ...args) => sendFile(args as never),
    stream: (path, ...args) => (path.endsWith('.export') ? exported(path, args as []) : imported(path, args as [])),
  };
  const sendFile = ([body, input, options]: [ImageBody, { id: string; expectedVersion?: number }, SendOptions?]) =>
    send(endpoint, body, { input, ...options });
  const exported = (path: string, [input, options]: [object?, StreamOptions?]) =>
    download(endpoint, { path, input, ...options }, limits);
  const imported = (path: string, [body, input, options]: [ImportBody?, object?, StreamOptions?]) =>
    upload(endpoint, { path, input, ...options }, body ?? '');

  const own: Readonly<Record<PropertyKey, unknown>> = {
    [untypedClient]: client,
    $session: () => endpoint.keeper.current,
    $close: close,
  };
  const node = (path: readonly string[]): unknown =>
    new Proxy(() => undefined, {
      get: (_, key) => {
        if (path.length === 0 && key in own) return own[key];
        return typeof key === 'string' && key !== 'then' ? node([...path, key]) : undefined;
      },
      apply: (_, __, args: never[]) => {
        const name = path.at(-1) ?? '';
        const method = methods[name];
        if (!method)
          throw new TypeError(`${path.join('.')} is not a method; call query, mutate or subscribe of a procedure`);
        return method(path.slice(0, -1).join('.'), ...args);
      },
    });
  return node([]) as Olympus;
}
