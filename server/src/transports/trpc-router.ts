import type { AnyContract, Contracts, ContractTree, RouterOf } from '@olympus/contracts';
import {
  initTRPC,
  tracked,
  TRPCError,
  type AnyTRPCProcedure,
  type inferRouterInputs,
  type inferRouterOutputs,
} from '@trpc/server';
import { deserialize, serialize } from 'superjson';
import type { Caller } from '../kernel/context.ts';
import type { Kernel } from '../kernel/execute.ts';
import { toFailure } from '../kernel/failure.ts';
import type { Procedure } from '../kernel/implement.ts';
import { begun } from './begun.ts';
import { credentialWatch, whileCredentialLasts } from './credential-watch.ts';
import { errorShape, failureOf, trpcCodeOf } from './error-codes.ts';
import { decodeInput } from './wire-input.ts';

export type AppRouter = RouterOf<Contracts>;
export type RouterInputs = inferRouterInputs<AppRouter>;
export type RouterOutputs = inferRouterOutputs<AppRouter>;

/** What a call needs to know beside its input. */
export interface TrpcContext {
  readonly caller: Caller;
  /** In the order of a batch's calls. */
  readonly idempotencyKeys?: readonly (string | null)[] | undefined;
}

/** What `trpc-to-openapi` reads of a procedure. */
export interface TrpcMeta {
  readonly openapi: {
    readonly method: string;
    /** Below `/api/v1`, with `{name}` for path parameters. */
    readonly path: string;
    readonly operationId: string;
    readonly summary: string;
    readonly tags: readonly string[];
    readonly protect: boolean;
  };
}

interface ResolverCall {
  readonly ctx: TrpcContext;
  readonly input: unknown;
  readonly signal: AbortSignal | undefined;
  readonly batchIndex?: number;
}
interface ProcedureRecord {
  [name: string]: AnyTRPCProcedure | ProcedureRecord;
}

/**
 * A real tRPC router over the kernel's procedures, a router of its own for each domain. `pingMs` is the silence after
 * which an open stream sends a sign of life.
 */
export function createRouter<T extends ContractTree = Contracts>(
  kernel: Kernel,
  { pingMs = 15_000 }: { pingMs?: number } = {},
): RouterOf<T> {
  const t = initTRPC
    .context<TrpcContext>()
    .meta<TrpcMeta>()
    .create({
      isDev: false,
      transformer: { input: { serialize, deserialize: decodeInput }, output: { serialize, deserialize } },
      errorFormatter: ({ error, path, ctx }) =>
        errorShape(failureOf(error), { ...(path !== undefined && { path }), requestId: ctx?.caller.requestId ?? '' }),
      sse: { ping: { enabled: true, intervalMs: pingMs }, client: { reconnectAfterInactivityMs: pingMs * 3 } },
      jsonl: { pingMs },
    });

  const watch = credentialWatch(kernel);
  const build = (procedure: Procedure): AnyTRPCProcedure => {
    const { contract, path } = procedure;
    const execute = ({ ctx, input, batchIndex = 0 }: ResolverCall, signal: AbortSignal) =>
      kernel
        .execute({
          procedure,
          caller: ctx.caller,
          input,
          signal,
          idempotencyKey: ctx.idempotencyKeys?.[batchIndex] ?? null,
        })
        .catch(asTrpcError);
    const answer = (call: ResolverCall) => execute(call, signalOf(call));
    const follow = (call: ResolverCall) =>
      begun(async function* (onBegun) {
        const follower = { kernel, watch, caller: call.ctx.caller, signal: signalOf(call) };
        const open = (signal: AbortSignal) => execute(call, signal).finally(onBegun) as Promise<AsyncIterable<unknown>>;
        for await (const item of whileCredentialLasts(follower, open))
          yield contract.def.tracked ? trackedItem(item) : item;
      });
    const base = t.procedure.meta({ openapi: openApiOf(contract, path) }).input((input: unknown) => input);
    const built =
      contract.kind === 'query'
        ? base.query(answer)
        : contract.kind === 'mutation'
          ? base.mutation(answer)
          : base.subscription(follow);
    return showSchemas(built, contract);
  };

  const routers: Record<string, ProcedureRecord> = {};
  for (const procedure of kernel.procedures) {
    const names = procedure.path.split('.');
    const last = names.pop() ?? '';
    let record: ProcedureRecord = routers;
    for (const name of names) record = (record[name] ??= {}) as ProcedureRecord;
    record[last] = build(procedure);
  }
  // The one cast: the router's type is derived from the contracts, its value from the procedures bound to them.
  return t.router(routers) as unknown as RouterOf<T>;
}

/** Schemas are there for generators to read. tRPC is not given them to parse by: the kernel validates, once it knows who calls. */
function showSchemas(procedure: AnyTRPCProcedure, { def }: AnyContract): AnyTRPCProcedure {
  Object.assign(procedure._def, { inputs: def.input ? [def.input] : [], output: def.output });
  return procedure;
}

function openApiOf({ def }: AnyContract, name: string): TrpcMeta['openapi'] {
  const [method = '', path = ''] = def.rest.split(' ');
  const { operationId, summary, access } = def;
  return { method, path, operationId, summary, tags: [name.split('.')[0] ?? name], protect: access !== 'public' };
}

const signalOf = ({ signal }: ResolverCall): AbortSignal => signal ?? new AbortController().signal;

function trackedItem(item: unknown) {
  const { id, data } = item as { id: string; data: unknown };
  return tracked(id, data);
}

function asTrpcError(cause: unknown): never {
  const failure = toFailure(cause);
  throw new TRPCError({ code: trpcCodeOf(failure), message: failure.message, cause: failure });
}
