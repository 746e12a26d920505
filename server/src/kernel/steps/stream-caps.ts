import type { Call } from '../context.ts';
import type { KernelDependencies, Step } from '../execute.ts';
import { Failure } from '../failure.ts';
import { watchItems } from '../items.ts';

/** Streams that may be open at once in this process, over all protocols. */
export interface StreamCaps {
  readonly perUser: number;
  readonly perTenant: number;
}

/** Seconds: whoever is refused has to close one first. */
const retryAfter = 10;

export const tooManyStreams = (cap: 'socket' | 'user' | 'tenant', limit: number): Failure =>
  new Failure(
    'TOO_MANY_STREAMS',
    { cap, limit, retryAfter },
    { detail: `At most ${limit} streams of a ${cap} may be open at once` },
  );

/** Bounds what one user, and one tenant, can hold of this process by streams. A stream counts until it has ended. */
export const streamCaps = ({ limits, telemetry }: KernelDependencies): Step => {
  const open = new Map<string, number>();
  const count = (key: string, by: 1 | -1) => {
    const now = (open.get(key) ?? 0) + by;
    if (now > 0) open.set(key, now);
    else open.delete(key);
  };
  const caps = limits.streams ?? { perUser: Infinity, perTenant: Infinity };

  const take = ({ principal, procedure, caller }: Call): (() => void) => {
    const counted = principal
      ? ([
          ['user', `user:${principal.userId}`, caps.perUser],
          ['tenant', `tenant:${principal.tenantId}`, caps.perTenant],
        ] as const)
      : [];
    for (const [cap, key, limit] of counted) if ((open.get(key) ?? 0) >= limit) throw tooManyStreams(cap, limit);
    for (const [, key] of counted) count(key, 1);
    const about = { procedure: procedure.path, protocol: caller.protocol };
    telemetry.countStreams?.(about, 1);
    let isTaken = true;
    return () => {
      if (!isTaken) return;
      isTaken = false;
      for (const [, key] of counted) count(key, -1);
      telemetry.countStreams?.(about, -1);
    };
  };

  return async (call, next) => {
    if (call.procedure.contract.kind !== 'subscription') return next(call);
    const giveBack = take(call);
    try {
      return watchItems((await next(call)) as AsyncIterable<unknown>, { onEnd: giveBack });
    } catch (cause) {
      giveBack();
      throw cause;
    }
  };
};
