import { TRPCClientError, type TRPCPromise } from '@trpc/client';
import type { InputIssue, ServerFailures } from './contracts.ts';
import type { ErrorShape } from './procedures.ts';

/** Failures that arise on this side of the wire. */
export interface ClientFailures {
  /** No answer came, or none of Olympus; whether the call took effect is unknown. */
  NETWORK: null;
  /** The call's own time was up; whether it took effect is unknown. */
  TIMEOUT: null;
  /** The caller's signal said so; whether the call took effect is unknown. */
  ABORTED: null;
}
/** What comes with each failure, by code. */
export interface Failures extends ServerFailures, ClientFailures {}
export type FailureCode = keyof Failures;

/** Why a call failed. */
export interface Failure<C extends FailureCode = FailureCode> {
  /** Upper snake case, one of the procedure's declared errors or of those that any call may meet. */
  readonly code: C;
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  /** What the code means, always in the same words. */
  readonly title: string;
  /** What happened this time. */
  readonly detail: string;
  /** What the code comes with, such as the quantity that is available. */
  readonly data: Failures[C];
  /** Faults of the input, one per field. */
  readonly errors: readonly InputIssue[];
  /** The server's id of the request, to be quoted to its operator; null when there was no answer. */
  readonly requestId: string | null;
}
/** `Failure<A> | Failure<B>` for `A | B`, so that `code` tells `data` apart. */
export type FailureFor<C extends FailureCode> = C extends FailureCode ? Failure<C> : never;

/** Every failure of a query or mutation: `FailureOf<typeof api.orders.create>`. */
export type FailureOf<P> =
  | FailureFor<keyof ClientFailures>
  | (P extends { query: Call<infer S> } | { mutate: Call<infer S> } ? FailureIn<S> : never);
type Call<S> = (...args: never[]) => TRPCPromise<unknown, S>;
type FailureIn<S> = S extends { data: { failure: infer F } } ? F : never;

interface ErrorDetails {
  readonly cause?: unknown;
  /** Seconds after which trying again makes sense. */
  readonly retryAfter?: number | null;
}

/** What a failed call throws: `failure` says why, `cause` holds what was caught. */
export class OlympusError<C extends FailureCode = FailureCode> extends TRPCClientError<{
  errorShape: ErrorShape<C>;
  transformer: true;
}> {
  readonly failure: FailureFor<C>;
  /** Seconds after which trying again makes sense; null when the server did not say. */
  readonly retryAfter: number | null;

  constructor(failure: FailureFor<C>, { cause, retryAfter = retryAfterOf(failure.data) }: ErrorDetails = {}) {
    const { code, status, detail } = failure;
    const data = { code, httpStatus: status, failure } as unknown as ErrorShape<C>['data'];
    super(detail, { result: { error: { code: -32000 as never, message: detail, data } }, cause: cause as Error });
    // The base class resets the prototype to its own.
    Object.setPrototypeOf(this, OlympusError.prototype);
    this.name = 'OlympusError';
    this.failure = failure;
    this.retryAfter = retryAfter;
  }
}

/**
 * Whether `error` is a failed call, and with one of `codes` if any are given; narrows `error.failure` to them.
 * @example if (isFailure(error, 'OUT_OF_STOCK')) show(error.failure.data.available);
 */
export const isFailure = <C extends FailureCode>(error: unknown, ...codes: C[]): error is OlympusError<C> =>
  // By name: an application may hold both the ESM and the CommonJS build.
  error instanceof Error &&
  error.name === 'OlympusError' &&
  (codes.length === 0 || codes.includes((error as OlympusError<C>).failure.code as C));

/** A settled call: its value, or the failures that its procedure declares. */
export type Outcome<T, F> =
  | { readonly ok: true; readonly value: T; readonly failure?: undefined }
  | { readonly ok: false; readonly value?: undefined; readonly failure: F };

/**
 * Settles a call to a value or its failure, typed by the procedure. What is not a failed call is thrown on.
 * @example const placed = await outcome(api.orders.create.mutate(order));
 */
export async function outcome<T, S>(
  call: TRPCPromise<T, S>,
): Promise<Outcome<T, FailureIn<S> | FailureFor<keyof ClientFailures>>> {
  try {
    return { ok: true, value: await call };
  } catch (error) {
    if (!isFailure(error)) throw error;
    return { ok: false, failure: error.failure as FailureIn<S> };
  }
}

const titles: Readonly<Record<keyof ClientFailures, string>> = {
  NETWORK: 'No answer from the server',
  TIMEOUT: 'The call took too long',
  ABORTED: 'The caller left',
};

/** A failure of this side. */
export function clientError(
  code: keyof ClientFailures,
  detail = titles[code],
  { status = 0, requestId = null, ...details }: ErrorDetails & { status?: number; requestId?: string | null } = {},
): OlympusError {
  const failure = { code, status, title: titles[code], detail, data: null, errors: [], requestId };
  return new OlympusError<FailureCode>(failure, details);
}

/** A failure as the server sent it: tRPC's `error.data.failure`, or a problem document of REST; null for anything else. */
export function serverError(sent: unknown, details?: ErrorDetails): OlympusError | null {
  if (typeof sent !== 'object' || sent === null || !('code' in sent && 'title' in sent)) return null;
  const { code, status, title, detail, data, errors, requestId } = { ...blank, ...(sent as Failure) };
  const failure = { code, status, title, detail: detail || title, data, errors, requestId };
  return new OlympusError<FailureCode>(failure as FailureFor<FailureCode>, details);
}
const blank = { status: 0, detail: '', data: null, errors: [], requestId: null };

const retryAfterOf = (data: unknown): number | null =>
  typeof data === 'object' && data !== null && 'retryAfter' in data && typeof data.retryAfter === 'number'
    ? data.retryAfter
    : null;

/** The cause of a failure of a connection on which nothing came, although it should have. */
export const silence = new Error('silence');
