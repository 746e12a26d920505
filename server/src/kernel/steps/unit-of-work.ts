import type { KernelDependencies, Step } from '../execute.ts';
import { answerOnce } from './idempotency.ts';

/**
 * A mutation runs in one transaction of its tenant, which the idempotency key, the state and
 * the event share. A query reads by single statements bound to the tenant.
 */
export const unitOfWork =
  (deps: KernelDependencies): Step =>
  async (call, next) => {
    const { kind, def } = call.procedure.contract;
    const { principal } = call;
    if (!principal) return next(call);
    const { tenantId } = principal;
    if (kind !== 'mutation' || def.unitOfWork === 'own') {
      call.db = deps.database.tenant(principal);
      return next(call);
    }
    const transact = () =>
      deps.database.transaction(principal, async (db) => {
        // A retried transaction starts over.
        call.stale.clear();
        call.db = db;
        return next(call);
      });
    const keyed = call.idempotencyKey !== null && def.idempotent !== false;
    const result = keyed ? await answerOnce(deps, call, next) : await transact();
    deps.cache.drop(tenantId, call.stale);
    return result;
  };
