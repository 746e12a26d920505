import type { RateClass } from '@olympus/contracts';
import { fail, toFailure } from './failure.ts';
import type { Call, Caller, Notes, Principal, Upload } from './context.ts';
import { HandlerContext } from './handler-context.ts';
import type { Procedure } from './implement.ts';
import { admit } from './steps/admit.ts';
import { auditCalls, auditDenials, type AuditTrail } from './steps/audit.ts';
import { admitsOf, authenticate, identifier, type AccessChange, type Authenticator } from './steps/authenticate.ts';
import { authorize } from './steps/authorize.ts';
import { cache, type QueryCache } from './steps/cache.ts';
import { deadline } from './steps/deadline.ts';
import { addressDemand, rateLimit, tooMany, type RateLimiter } from './steps/rate-limit.ts';
import { streamCaps, type StreamCaps } from './steps/stream-caps.ts';
import { trace, type Telemetry } from './steps/trace.ts';
import { unitOfWork } from './steps/unit-of-work.ts';
import { validate } from './steps/validate.ts';
import type { Database } from '@olympus/database';
import type { Logger } from 'pino';
import type { Clock } from '../platform/clock.ts';
import type { Ids } from '../platform/ids.ts';

export interface KernelDependencies {
  readonly database: Database;
  readonly authenticator: Authenticator;
  readonly limiter: RateLimiter;
  readonly cache: QueryCache;
  readonly audit: AuditTrail;
  readonly telemetry: Telemetry;
  readonly log: Logger;
  readonly clock: Clock;
  readonly ids: Ids;
  /** The addresses from which tenants may be called; when absent, from all. */
  readonly addresses?: { admits(tenantId: string, address: string): boolean };
  readonly limits: {
    /** Milliseconds until a call that is not a stream is given up. */
    readonly deadlineMs: number;
    /** Calls at once in this process; more are told to come back. */
    readonly maxInFlight: number;
    /** Absent: no bounds. */
    readonly streams?: StreamCaps;
  };
}

export type Next = (call: Call) => Promise<unknown>;
export type Step = (call: Call, next: Next) => Promise<unknown>;

/** What a transport hands over. */
export interface Invocation {
  readonly procedure: Procedure;
  readonly caller: Caller;
  readonly input: unknown;
  readonly signal: AbortSignal;
  readonly idempotencyKey?: string | null;
  readonly upload?: Upload | null;
  readonly notes?: Notes;
  /** The class that the call counts in, instead of its contract's. */
  readonly rate?: RateClass;
}

export interface Kernel {
  readonly procedures: readonly Procedure[];
  readonly byPath: ReadonlyMap<string, Procedure>;
  /** Resolves to the value of a query or mutation and to the async iterable of a subscription; rejects with a `Failure`. */
  execute(invocation: Invocation): Promise<unknown>;
  /** Who the caller is; null without a credential. Rejects with `UNAUTHENTICATED` for a bad one, `FORBIDDEN` from an address that the tenant keeps out. */
  identify(caller: Caller): Promise<Call['principal']>;
  /** Tells of what changed that credentials rest on; see `Authenticator`. */
  onAccessChange(listener: (change: AccessChange) => void): () => void;
  /** Whether the caller's address is one from which the tenant may be called; asks nobody. */
  admits(caller: Caller, principal: Principal): boolean;
  /** The same as `identify` for a socket that is about to be opened, which counts as a call of its address. */
  greet(caller: Caller): Promise<Call['principal']>;
}

export function createKernel(deps: KernelDependencies, procedures: readonly Procedure[]): Kernel {
  const steps: readonly Step[] = [
    trace(deps),
    deadline(deps),
    admit(deps),
    authenticate(deps),
    auditDenials(deps),
    authorize,
    rateLimit(deps),
    streamCaps(deps),
    validate,
    unitOfWork(deps),
    auditCalls(deps),
    cache(deps),
  ];
  const run = steps.reduceRight<Next>((next, step) => (call) => step(call, next), handle(deps));

  const identify = identifier(deps);

  return {
    procedures,
    byPath: new Map(procedures.map((procedure) => [procedure.path, procedure])),
    execute: async ({ procedure, caller, input, signal, idempotencyKey = null, upload = null, notes = {}, rate }) => {
      try {
        return await run({
          procedure,
          caller,
          input,
          signal,
          idempotencyKey,
          upload,
          notes,
          principal: null,
          db: null,
          stale: new Set(),
          recorded: {},
          keep: true,
          counted: false,
          ...(rate && { rate }),
        });
      } catch (cause) {
        throw toFailure(cause);
      }
    },
    identify: (caller) => identify(caller),
    onAccessChange: (listener) => deps.authenticator.onChange?.(listener) ?? (() => undefined),
    admits: admitsOf(deps),
    greet: async (caller) => {
      const { allowed, state } = await deps.limiter.take([addressDemand(caller)]);
      if (!allowed) throw tooMany(state);
      return identify(caller);
    },
  };
}

const handle =
  (deps: KernelDependencies): Next =>
  async (call) =>
    call.procedure.handle({ input: call.input, ctx: new HandlerContext(deps, call), fail });
