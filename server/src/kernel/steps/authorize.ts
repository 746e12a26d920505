import type { Step } from '../execute.ts';
import { Failure } from '../failure.ts';

export const authorize: Step = async (call, next) => {
  const { access } = call.procedure.contract.def;
  if (access === 'public') return next(call);
  if (!call.principal) throw new Failure('UNAUTHENTICATED', null);
  if (!call.principal.permissions.has(access)) throw new Failure('FORBIDDEN', { permission: access });
  return next(call);
};
