import type { Db, InTransaction } from '@olympus/database';
import type { Call, Caller, Principal } from '../context.ts';
import type { KernelDependencies, Step } from '../execute.ts';
import { toFailure, type Failure } from '../failure.ts';

/** What the steps tell the audit log. */
export interface AuditTrail {
  /** Appends the entry of a call that succeeded, in the transaction of `db`: both commit, or neither. */
  succeeded(db: InTransaction<Db>, call: Call, result: unknown): void;
  /** Counts a denial, and writes the first of a row of them at once. Never throws. */
  denied(call: Call, failure: Failure): Promise<void>;
  /** The same for a good credential at an address that its tenant keeps out, whatever was called: `call` is null for a socket. */
  keptOut(caller: Caller, principal: Principal, refused: { call: Call | null; failure: Failure }): Promise<void>;
  /** Writes that a call broke off, whose own transactions may have changed something before. Never throws. */
  failed(call: Call, failure: Failure): Promise<void>;
}

const isDenial = ({ status }: Failure): boolean => status === 403;
/** Wrong passwords and codes, and too many of them: counted where they come again and again. */
const isGuess = ({ status }: Failure): boolean => status === 401 || status === 429;

/** Whoever may not do something leaves a trace, whichever step or handler says so. */
export const auditDenials =
  ({ audit }: KernelDependencies): Step =>
  async (call, next) => {
    try {
      return await next(call);
    } catch (cause) {
      const failure = toFailure(cause);
      if (call.principal && isDenial(failure)) await audit.denied(call, failure);
      throw failure;
    }
  };

/** Within the unit of work, and only where the answer is not a kept one: so each effect has one entry. */
export const auditCalls =
  ({ audit, database }: KernelDependencies): Step =>
  async (call, next) => {
    const { kind, def } = call.procedure.contract;
    if (!(def.audit ?? kind === 'mutation')) return next(call);
    // A retried transaction starts over.
    call.recorded = {};
    if (kind === 'mutation' && def.unitOfWork !== 'own') {
      const result = await next(call);
      // The unit of work has opened it for every caller that is known.
      if (call.principal) audit.succeeded(call.db as InTransaction<Db>, call, result);
      return result;
    }
    const result = await next(call).catch((cause: unknown) => {
      const failure = toFailure(cause);
      // Not waited for: how long a refusal takes must not tell whether there is such a user.
      const about = call.recorded.subject ?? call.principal;
      if (call.recorded.subject ? failure.status < 500 : about && isGuess(failure)) void audit.denied(call, failure);
      else if (about && !isDenial(failure)) void audit.failed(call, failure);
      throw failure;
    });
    const tenantId = call.recorded.subject?.tenantId ?? call.principal?.tenantId;
    if (tenantId !== undefined) await database.transaction(tenantId, async (db) => audit.succeeded(db, call, result));
    return result;
  };
