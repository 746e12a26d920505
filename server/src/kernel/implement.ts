import {
  isContract,
  type AnyContract,
  type CommonErrorCode,
  type Contract,
  type ContractTree,
  type ErrorCode,
  type ErrorsOf,
  type ParsedInputOf,
  type ResultOf,
  type Tracked,
} from '@olympus/contracts';
import type { Db, InTransaction } from '@olympus/database';
import type { Context, Principal } from './context.ts';
import type { Fail } from './failure.ts';

type PrincipalFor<D> = D extends { access: 'public' } ? Principal | null : Principal;
/** A mutation gets the transaction that the kernel opened, unless it keeps its own unit of work. */
type DbFor<K, D> = K extends 'mutation' ? (D extends { unitOfWork: 'own' } ? Db : InTransaction<Db>) : Db;
type CodesOf<D> = (keyof ErrorsOf<D> & ErrorCode) | CommonErrorCode;
type Item<D> = D extends { tracked: true } ? Tracked<ResultOf<D>> : ResultOf<D>;

/** What a handler is called with. `fail` takes the errors that the contract declares, and no others. */
export interface HandlerCall<D, B extends Db = Db> {
  readonly input: ParsedInputOf<D>;
  readonly ctx: Context<PrincipalFor<D>, B>;
  readonly fail: Fail<CodesOf<D>>;
}
export type Handler<C> =
  C extends Contract<infer K, infer D>
    ? K extends 'subscription'
      ? // A promise where the stream must have begun before its caller is told so.
        (call: HandlerCall<D>) => AsyncIterable<Item<D>> | Promise<AsyncIterable<Item<D>>>
      : (call: HandlerCall<D, DbFor<K, D>>) => Promise<ResultOf<D>>
    : never;
export type Handlers<T> = { readonly [K in keyof T]: T[K] extends AnyContract ? Handler<T[K]> : Handlers<T[K]> };

/** Implements contracts: a missing verb, a wrong shape or an undeclared error does not compile. */
export const implement = <T extends ContractTree>(_contracts: T, handlers: Handlers<NoInfer<T>>): Handlers<T> =>
  handlers;

/** A contract with its handler, known by its dotted path. */
export interface Procedure {
  readonly path: string;
  readonly contract: AnyContract;
  readonly handle: (call: {
    input: unknown;
    ctx: Context;
    fail: Fail<ErrorCode>;
  }) => Promise<unknown> | AsyncIterable<unknown>;
}

/** Pairs every contract of a tree with its handler, in order of declaration. */
export function bind<T extends ContractTree>(contracts: T, handlers: Handlers<NoInfer<T>>, prefix = ''): Procedure[] {
  return Object.entries(contracts).flatMap(([name, node]) => {
    const path = prefix + name;
    const implementation = (handlers as Readonly<Record<string, unknown>>)[name];
    if (!isContract(node)) return bind(node, implementation as never, `${path}.`);
    if (typeof implementation !== 'function') throw new Error(`${path} has no handler`);
    return [{ path, contract: node, handle: implementation as Procedure['handle'] }];
  });
}
