import { commonErrors, errors, type ErrorCode } from '@olympus/contracts';
import { isUnavailable } from '@olympus/database';
import type { z } from 'zod';

type Registry = typeof commonErrors & typeof errors;
const registry: Readonly<Record<string, { status: number; title: string }>> = { ...commonErrors, ...errors };

/** The data that goes with a code; nothing where the registry says null. */
export type FailureData<C extends ErrorCode> = z.output<Registry[C]['data']>;
export type DataArgument<C extends ErrorCode> = [null] extends [FailureData<C>]
  ? [data?: null]
  : [data: FailureData<C>];

/** The one error that crosses layers. Its cause is for the log; code, data and detail are for the caller. */
export class Failure<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name = 'Failure';
  readonly code: C;
  readonly data: unknown;
  readonly status: number;
  readonly title: string;
  /** Seconds after which trying again makes sense. */
  readonly retryAfter: number | null;

  constructor(code: C, data: FailureData<C>, options: { cause?: unknown; detail?: string } = {}) {
    const { status, title } = registry[code] ?? commonErrors.INTERNAL;
    super(options.detail ?? title, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.data = data;
    this.status = status;
    this.title = title;
    this.retryAfter = hasRetryAfter(data) ? data.retryAfter : null;
  }
}

/** Throws a failure; takes only the codes it is typed for. */
export type Fail<Codes extends ErrorCode> = <C extends Codes>(code: C, ...data: DataArgument<C>) => never;
export const fail: Fail<ErrorCode> = (code, ...[data]) => {
  throw new Failure(code, (data ?? null) as never);
};

/** Any thrown value as a failure: what is not one already is masked, its cause kept. */
export function toFailure(cause: unknown): Failure {
  if (cause instanceof Failure) return cause;
  if (isUnavailable(cause)) return new Failure('UNAVAILABLE', { retryAfter: 1 }, { cause });
  return new Failure('INTERNAL', null, { cause });
}

const hasRetryAfter = (data: unknown): data is { retryAfter: number } =>
  typeof data === 'object' && data !== null && 'retryAfter' in data && typeof data.retryAfter === 'number';
