import type { Call } from '../context.ts';
import type { KernelDependencies, Step } from '../execute.ts';
import { toFailure, type Failure } from '../failure.ts';
import { watchItems } from '../items.ts';

export interface Telemetry {
  /** One finished call; `code` is `OK` or a failure's. */
  observe(call: { procedure: string; protocol: string; code: string; seconds: number }): void;
  /** A stream has begun, or ended with -1. */
  countStreams?(about: { procedure: string; protocol: string }, by: 1 | -1): void;
}

/** One line and one measurement for every call; a stream's when it ends. */
export const trace = ({ telemetry, log }: KernelDependencies): Step => {
  const ended = ({ procedure, caller, principal }: Call, start: number, failure: Failure | null): void => {
    const ms = performance.now() - start;
    const code = failure?.code ?? 'OK';
    telemetry.observe({ procedure: procedure.path, protocol: caller.protocol, code, seconds: ms / 1000 });
    // What is undefined is not written.
    const line = {
      requestId: caller.requestId,
      traceId: caller.traceId,
      protocol: caller.protocol,
      procedure: procedure.path,
      tenantId: principal?.tenantId,
      userId: principal?.userId,
      apiKeyId: principal?.apiKeyId ?? undefined,
      actorId: principal?.actor?.userId,
      actorReason: principal?.actor?.reason,
      code,
      durationMs: Math.round(ms * 1e3) / 1e3,
    };
    if (failure && failure.status >= 500) log.error({ ...line, err: failure.cause ?? failure }, 'call failed');
    else log.info(line, 'call');
  };
  return async (call, next) => {
    const start = performance.now();
    try {
      const result = await next(call);
      if (call.procedure.contract.kind === 'subscription')
        return watchItems(result as AsyncIterable<unknown>, {
          onEnd: (fault) => ended(call, start, fault && !call.signal.aborted ? toFailure(fault.cause) : null),
        });
      ended(call, start, null);
      return result;
    } catch (cause) {
      const failure = toFailure(cause);
      ended(call, start, failure);
      throw failure;
    }
  };
};
