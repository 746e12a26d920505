import type { KernelDependencies, Step } from '../execute.ts';
import { Failure } from '../failure.ts';

/** Gives up on a call after its time; streams and uploads last as long as their caller stays. */
export const deadline =
  ({ limits }: KernelDependencies): Step =>
  async (call, next) => {
    if (call.signal.aborted) throw new Failure('CANCELLED', null);
    if (call.procedure.contract.kind === 'subscription' || call.upload) return next(call);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Failure('DEADLINE_EXCEEDED', null)), limits.deadlineMs);
      next(call).then(
        (value) => {
          clearTimeout(timer);
          return resolve(value);
        },
        (cause: Error) => {
          clearTimeout(timer);
          reject(cause);
        },
      );
    });
  };
