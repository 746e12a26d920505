import { decide, refusalOf } from '../access.ts';
import type { Step } from '../execute.ts';

export const authorize: Step = (call, next) => {
  const decision = decide(call.procedure.contract, call.principal, call.input);
  if (!decision.allowed) throw refusalOf(decision);
  return next(call);
};
