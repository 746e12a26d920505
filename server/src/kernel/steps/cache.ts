import type { KernelDependencies, Step } from '../execute.ts';

export interface QueryCache {
  /** The kept answer, or what `compute` resolves to; concurrent callers of one key share a computation. */
  through(
    entry: { tenantId: string; key: string; tags: readonly string[]; ttlSeconds: number },
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
    return deps.cache.through({ tenantId, key, tags: policy.tags, ttlSeconds: policy.ttl }, () => next(call));
  };
