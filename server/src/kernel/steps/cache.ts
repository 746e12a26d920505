import type { KernelDependencies, Step } from '../execute.ts';

export interface QueryCache {
  /**
   * The kept answer, or what `compute` resolves to; concurrent callers of one key share a computation. `mayKeep` is asked
   * once it is there.
   */
  through(
    entry: { tenantId: string; key: string; tags: readonly string[]; ttlSeconds: number; mayKeep?: () => boolean },
    compute: () => Promise<unknown>,
  ): Promise<unknown>;
  /** Forgets what was kept of a tenant under any of the tags. */
  drop(tenantId: string, tags: Iterable<string>): void;
}

/** Keyed by tenant, procedure and input: what a cached procedure answers must not depend on anything else of its caller. */
export const cache =
  (deps: KernelDependencies): Step =>
  (call, next) => {
    const policy = call.procedure.contract.def.cache;
    if (!policy || !call.principal) return next(call);
    const { tenantId } = call.principal;
    const key = `${call.procedure.path}:${JSON.stringify(call.input)}`;
    const entry = { tenantId, key, tags: policy.tags, ttlSeconds: policy.ttl, mayKeep: () => call.keep };
    return deps.cache.through(entry, () => next(call));
  };
