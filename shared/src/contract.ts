import type { Permission } from './permissions.ts';

/** What a schema must show to be inferred from. Checking against `z.ZodType` itself costs five times the instantiations. */
export interface AnySchema {
  readonly _zod: { readonly input: unknown; readonly output: unknown };
}

export type Kind = 'query' | 'mutation' | 'subscription';
export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
/** Method and path below `/api/v1`, with `{name}` for path parameters. */
export type Route = `${Method} /${string}`;
/** Calls are counted per class: `signIn` by the account that is tried and the network that tries, the others by user or API key, or the address of a stranger. */
export type RateClass = 'read' | 'write' | 'signIn' | 'stream';

/** A declared error: its HTTP status and the shape of the data that comes with it. */
export interface ErrorSpec {
  readonly status: number;
  readonly title: string;
  readonly data: AnySchema;
}

export interface Def {
  /** One line for documents. */
  readonly summary: string;
  /** Unique, verb-first camelCase; the method's name in generated clients. */
  readonly operationId: string;
  readonly rest: Route;
  /** HTTP status of success; 200 when absent. */
  readonly status?: 200 | 201 | 204 | 207;
  /** The permission a principal must hold, or `public`. */
  readonly access: Permission | 'public';
  /** The permission that is enough where the input's `id` is the caller's own; the handler keeps to what is theirs. */
  readonly ownAccess?: Permission;
  /** It tells of, or changes, all locations at once: callers who are kept to some are refused. */
  readonly everyLocation?: true;
  /** An object schema; a procedure without input has none. */
  readonly input?: AnySchema;
  readonly output: AnySchema;
  readonly errors?: Readonly<Record<string, ErrorSpec>>;
  /** Default: `read` for queries and subscriptions, `write` for mutations. */
  readonly rate?: RateClass;
  /** How many calls it counts as; with `each`, one for every item of that list of its input. Default: 1. */
  readonly cost?: number | { readonly each: string };
  /** Answers are kept per tenant and input for `ttl` seconds, and dropped when an event of one of `tags` commits. */
  readonly cache?: { readonly ttl: number; readonly tags: readonly string[] };
  /** Whether a mutation keeps its first answer by `Idempotency-Key`. Default: true. */
  readonly idempotent?: boolean;
  /** `transaction` (default for mutations): the kernel opens one; `own`: the handler opens short ones itself. */
  readonly unitOfWork?: 'transaction' | 'own';
  /** Whether the audit log gets an entry of each call that succeeds or breaks off. Default: of mutations only. */
  readonly audit?: boolean;
  /** Event streams: every item carries an id from which the stream resumes. */
  readonly tracked?: boolean;
  /** Media types that may be streamed into the call over REST, beside the inline `content` of its input. */
  readonly upload?: readonly string[];
  /** Media types in which the items of a subscription are streamed as one document over REST. */
  readonly download?: readonly string[];
  /** Media types of the bytes that a query's answer stands for: REST sends these, unless JSON is asked for. */
  readonly serves?: readonly string[];
  /** Input fields that travel in the query although the method has a body. */
  readonly query?: readonly string[];
}

export interface Contract<K extends Kind = Kind, D extends Def = Def> {
  readonly kind: K;
  readonly def: D;
}
export type AnyContract = { readonly kind: Kind; readonly def: Def };
export interface ContractTree {
  readonly [name: string]: AnyContract | ContractTree;
}

const define =
  <K extends Kind>(kind: K) =>
  <const D extends Def>(def: D): Contract<K, D> => ({ kind, def });

/** Reads; never changes state. */
export const query = define('query');
/** Changes state; runs in one transaction with its event and its idempotency key. */
export const mutation = define('mutation');
/** Yields items until its caller leaves. */
export const subscription = define('subscription');

export const isContract = (node: AnyContract | ContractTree): node is AnyContract =>
  typeof node.kind === 'string' && 'def' in node;

/** Every contract of a tree with its dotted path, in order of declaration. */
export function* contractsOf(tree: ContractTree, prefix = ''): Generator<{ path: string; contract: AnyContract }> {
  for (const [name, node] of Object.entries(tree)) {
    const path = prefix + name;
    if (isContract(node)) yield { path, contract: node };
    else yield* contractsOf(node, `${path}.`);
  }
}

// Property look-ups only: inferring through a generic contract costs three to ten times the check time.
type In<S> = S extends { _zod: { input: infer I } } ? I : never;
type Out<S> = S extends { _zod: { output: infer O } } ? O : never;

/** What a caller sends. */
export type InputOf<D> = D extends { input: infer S } ? In<S> : void;
/** What a handler receives: defaults filled in. */
export type ParsedInputOf<D> = D extends { input: infer S } ? Out<S> : undefined;
/** What a caller receives. */
export type OutputOf<D> = D extends { output: infer S } ? Out<S> : never;
/** What a handler returns. */
export type ResultOf<D> = D extends { output: infer S } ? In<S> : never;
/** An item of an event stream, with the id to resume from. */
export interface Tracked<T> {
  readonly id: string;
  readonly data: T;
}
export type ItemOf<D> = D extends { tracked: true } ? Tracked<OutputOf<D>> : OutputOf<D>;
/** The errors a contract declares, by code. */
export type ErrorsOf<D> = D extends { errors: infer E } ? E : object;
export type ErrorData<E> = E extends { data: infer S } ? Out<S> : never;
