import type {
  TRPCBuiltRouter,
  TRPCDefaultErrorShape,
  TRPCMutationProcedure,
  TRPCQueryProcedure,
  TRPCSubscriptionProcedure,
} from '@trpc/server';
import type { AnyContract, Contract, InputOf, ItemOf, OutputOf } from './contract.ts';
import type { InputIssue } from './errors.ts';

/** A failure as every protocol carries it; over tRPC under `error.data.failure`. */
export interface FailureShape {
  readonly code: string;
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly data: unknown;
  readonly errors: readonly InputIssue[];
  readonly requestId: string;
}
export interface ErrorShape extends TRPCDefaultErrorShape {
  data: TRPCDefaultErrorShape['data'] & { failure: FailureShape };
}

interface Root {
  ctx: object;
  meta: object;
  errorShape: ErrorShape;
  transformer: true;
}
type ProcedureOf<C> =
  C extends Contract<infer K, infer D>
    ? K extends 'query'
      ? TRPCQueryProcedure<{ input: InputOf<D>; output: OutputOf<D>; meta: object; errorShape: ErrorShape }>
      : K extends 'mutation'
        ? TRPCMutationProcedure<{ input: InputOf<D>; output: OutputOf<D>; meta: object; errorShape: ErrorShape }>
        : TRPCSubscriptionProcedure<{
            input: InputOf<D>;
            output: AsyncIterable<ItemOf<D>, void, unknown>;
            meta: object;
            errorShape: ErrorShape;
          }>
    : never;
export type RecordOf<T> = { [K in keyof T]: T[K] extends AnyContract ? ProcedureOf<T[K]> : RecordOf<T[K]> };
/** The type of the tRPC router that serves a tree of contracts: enough for a client, with no server import. */
export type RouterOf<T> = TRPCBuiltRouter<Root, RecordOf<T>>;
