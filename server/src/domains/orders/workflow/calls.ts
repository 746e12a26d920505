import type { PaymentAnswer, PaymentProvider } from '../../../platform/payments/provider.ts';
import { PaymentUnavailable } from '../../../platform/payments/provider.ts';
import { moneyOf } from '../../money.ts';
import type { Action, Flow } from './next.ts';

/** A call to the provider that its workflow has noted as begun. */
export interface Attempt {
  readonly tenantId: string;
  readonly flow: Flow;
  readonly action: Action;
  readonly attempt: number;
  /** An earlier attempt brought no answer, so what came of it is asked first. */
  readonly ask: boolean;
  /** The workflow's version while this attempt is the last one. */
  readonly version: number;
}

/** What became of an attempt. */
export type Result =
  | { readonly kind: 'done'; readonly reference: string }
  | { readonly kind: 'refused'; readonly reason: string }
  /** Nothing is held that could be let go of: `pending` where it may still come about. */
  | { readonly kind: 'nothing'; readonly pending: boolean }
  /** It will be tried again. `unanswered`: something may have been done all the same. */
  | { readonly kind: 'failed'; readonly unanswered: boolean; readonly error: unknown };

/** The same for every attempt, so that whatever is repeated has one effect. */
const keyOf = ({ tenantId, flow }: Pick<Attempt, 'tenantId' | 'flow'>, action: Action): string =>
  `${tenantId}:${flow.orderId}:${action}`;

/** Makes one attempt, which never rejects. Each of its at most two requests is waited for as long as `callMs` says. */
export async function call(provider: PaymentProvider, attempt: Attempt, callMs: number): Promise<Result> {
  let isInDoubt = attempt.ask;
  let isCalled = false;
  const find = (action: Action) => within(callMs, (signal) => provider.find(keyOf(attempt, action), signal));
  try {
    if (attempt.ask) {
      const found = await find(attempt.action);
      if (found) return resultOf(found);
      isInDoubt = false;
    }
    const { action, flow } = attempt;
    let { reference } = flow;
    if (action === 'void' && reference === null) {
      const held = await find('authorize');
      if (!held?.done) return { kind: 'nothing', pending: held === null };
      ({ reference } = held);
    }
    const { amount, currency } = moneyOf(flow.amount, flow.currency);
    const key = keyOf(attempt, action);
    isCalled = true;
    const answer = await within(callMs, (signal) => {
      const request = { key, amount, currency, signal };
      if (action === 'authorize') return provider.authorize({ ...request, method: flow.method ?? '' });
      return provider[action]({ ...request, reference: reference ?? '' });
    });
    return resultOf(answer);
  } catch (error) {
    const isNotDone = !isCalled || error instanceof PaymentUnavailable;
    return { kind: 'failed', unanswered: isInDoubt || !isNotDone, error };
  }
}

const resultOf = (answer: PaymentAnswer): Result =>
  answer.done ? { kind: 'done', reference: answer.reference } : { kind: 'refused', reason: answer.reason };

/** Gives up in time, also where nobody heeds the signal. */
async function within<T>(milliseconds: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const ending = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = new Error(`no answer within ${milliseconds} ms`);
      ending.abort(error);
      reject(error);
    }, milliseconds);
  });
  try {
    return await Promise.race([work(ending.signal), late]);
  } finally {
    clearTimeout(timer);
  }
}
