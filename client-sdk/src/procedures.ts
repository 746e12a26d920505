import type {
  inferRouterInputs,
  inferRouterOutputs,
  TRPCBuiltRouter,
  TRPCDefaultErrorShape,
  TRPCMutationProcedure,
  TRPCQueryProcedure,
  TRPCSubscriptionProcedure,
} from '@trpc/server';
import type { CommonCode, Procedures } from './contracts.ts';
import type { FailureCode, FailureFor } from './failure.ts';

/** What the client's types know of a procedure. */
export interface Procedure {
  kind: 'query' | 'mutation' | 'subscription';
  input: unknown;
  output: unknown;
  code: FailureCode;
  bulk: 'upload' | 'download' | 'file';
}

/** An error as tRPC carries it, with the failures that the procedure may answer with. */
export interface ErrorShape<C extends FailureCode = FailureCode> extends TRPCDefaultErrorShape {
  data: TRPCDefaultErrorShape['data'] & { failure: FailureFor<C> };
}

interface Types<P extends Procedure, Output> {
  input: P['input'];
  output: Output;
  meta: object;
  errorShape: ErrorShape<P['code'] | CommonCode>;
}
type TypedProcedure<P extends Procedure> = P['kind'] extends 'query'
  ? TRPCQueryProcedure<Types<P, P['output']>>
  : P['kind'] extends 'mutation'
    ? TRPCMutationProcedure<Types<P, P['output']>>
    : TRPCSubscriptionProcedure<Types<P, AsyncIterable<P['output'], void, unknown>>>;
type RecordOf<T> = { [K in keyof T]: T[K] extends Procedure ? TypedProcedure<T[K]> : RecordOf<T[K]> };

/** The type of the tRPC router that serves the API. */
export type OlympusRouter = TRPCBuiltRouter<
  { ctx: object; meta: object; errorShape: ErrorShape<CommonCode>; transformer: true },
  RecordOf<Procedures>
>;
/** What each procedure takes: `Inputs['orders']['create']`. */
export type Inputs = inferRouterInputs<OlympusRouter>;
/** What each procedure answers: `Outputs['orders']['list']`. */
export type Outputs = inferRouterOutputs<OlympusRouter>;
