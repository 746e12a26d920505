import type { Problem } from '@olympus/contracts';
import type { z } from 'zod';
import type { Failure } from '../kernel/failure.ts';
import { failureShape } from './error-codes.ts';

/** `ORDER_NOT_FOUND` as the address of its description. */
export const problemType = (code: string): string => `/problems/${code.toLowerCase().replaceAll('_', '-')}`;

/** A failure as RFC 9457 has it. `instance` is the path of the request. */
export function problemOf(failure: Failure, requestId: string, instance: string | null): z.output<typeof Problem> {
  const { code, title, status, detail, data, errors } = failureShape(failure, requestId);
  return {
    type: problemType(code),
    title,
    status,
    detail,
    instance,
    code,
    requestId,
    errors: [...errors],
    data: (data ?? null) as Record<string, unknown> | null,
  };
}
