import type { Call } from '../context.ts';
import type { KernelDependencies, Step } from '../execute.ts';
import { toFailure, type Failure } from '../failure.ts';

export interface Telemetry {
  /** One finished call; `code` is `OK` or a failure's. */
  observe(call: { procedure: string; protocol: string; code: string; seconds: number }): void;
}

/** One line and one measurement for every call; a stream's when it ends. */
export const trace =
  ({ telemetry, log }: KernelDependencies): Step =>
  async (call, next) => {
    const start = process.hrtime.bigint();
    const end = (failure: Failure | null) => {
      const seconds = Number(process.hrtime.bigint() - start) / 1e9;
      const { procedure, caller, principal } = call;
      const code = failure?.code ?? 'OK';
      telemetry.observe({ procedure: procedure.path, protocol: caller.protocol, code, seconds });
      const line = {
        requestId: caller.requestId,
        traceId: caller.traceId,
        protocol: caller.protocol,
        procedure: procedure.path,
        tenantId: principal?.tenantId,
        userId: principal?.userId,
        ...(principal?.apiKeyId && { apiKeyId: principal.apiKeyId }),
        ...(principal?.actor && { actorId: principal.actor.userId, actorReason: principal.actor.reason }),
        code,
        durationMs: Math.round(seconds * 1e6) / 1e3,
      };
      if (failure && failure.status >= 500) log.error({ ...line, err: failure.cause ?? failure }, 'call failed');
      else log.info(line, 'call');
    };
    try {
      const result = await next(call);
      if (call.procedure.contract.kind === 'subscription') return traced(result as AsyncIterable<unknown>, call, end);
      end(null);
      return result;
    } catch (cause) {
      const failure = toFailure(cause);
      end(failure);
      throw failure;
    }
  };

async function* traced(
  items: AsyncIterable<unknown>,
  call: Call,
  end: (failure: Failure | null) => void,
): AsyncGenerator {
  let failure: Failure | null = null;
  try {
    yield* items;
  } catch (cause) {
    failure = call.signal.aborted ? null : toFailure(cause);
    if (failure) throw failure;
  } finally {
    end(failure);
  }
}
