import type { InputIssue, Problem } from '@olympus/contracts';
import type { z } from 'zod';
import { Failure } from '../kernel/failure.ts';

/** What became of one item of a batch. */
export type Outcome<T> = T | Failure;

/** An item's failure, where it is one to expect. Anything else ends the batch, and what it has done is undone. */
export function refusalOf(cause: unknown): Failure {
  if (cause instanceof Failure && cause.status < 500) return cause;
  throw cause;
}

/** One item of a batch's answer, with its value or the problem. */
export const resultOf = <T>(outcome: Outcome<T>, item: { index: number; success: 200 | 201; requestId: string }) =>
  outcome instanceof Failure
    ? { index: item.index, status: outcome.status, value: null, error: problemOf(outcome, item.requestId) }
    : { index: item.index, status: item.success, value: outcome, error: null };

/** A failure as RFC 9457 tells it, inside an answer that is not one. */
function problemOf({ code, status, title, message, data }: Failure, requestId: string): z.input<typeof Problem> {
  return {
    type: `/problems/${code.toLowerCase().replaceAll('_', '-')}`,
    title,
    status,
    detail: message,
    instance: null,
    code,
    requestId,
    errors: (data as { issues?: InputIssue[] } | null)?.issues ?? [],
    data: data as Record<string, unknown> | null,
  };
}
