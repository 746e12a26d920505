import type { ErrorShape, FailureShape, InputIssue } from '@olympus/contracts';
import { TRPCError } from '@trpc/server';
import { TRPC_ERROR_CODES_BY_KEY, type TRPC_ERROR_CODE_KEY } from '@trpc/server/rpc';
import { Failure, toFailure } from '../kernel/failure.ts';
import { issue } from './input-issue.ts';

/** The tRPC code of every status a failure can have. tRPC names no 406 and no 414; `httpStatus` still tells them. */
const codeByStatus: Readonly<Record<number, TRPC_ERROR_CODE_KEY>> = {
  400: 'BAD_REQUEST',
  401: 'UNAUTHORIZED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  405: 'METHOD_NOT_SUPPORTED',
  406: 'BAD_REQUEST',
  408: 'TIMEOUT',
  409: 'CONFLICT',
  412: 'PRECONDITION_FAILED',
  413: 'PAYLOAD_TOO_LARGE',
  414: 'BAD_REQUEST',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  422: 'UNPROCESSABLE_CONTENT',
  429: 'TOO_MANY_REQUESTS',
  499: 'CLIENT_CLOSED_REQUEST',
  500: 'INTERNAL_SERVER_ERROR',
  502: 'BAD_GATEWAY',
  503: 'SERVICE_UNAVAILABLE',
  504: 'GATEWAY_TIMEOUT',
};

export const trpcCodeOf = ({ status }: Failure): TRPC_ERROR_CODE_KEY =>
  codeByStatus[status] ?? (status < 500 ? 'BAD_REQUEST' : 'INTERNAL_SERVER_ERROR');

/** A failure as every protocol carries it. What went wrong inside is never told: `INTERNAL` says only whom to ask about. */
export function failureShape(failure: Failure, requestId: string): FailureShape {
  const { code, status, title } = failure;
  if (code === 'INTERNAL') return { code, status, title, detail: title, data: null, errors: [], requestId };
  return {
    code,
    status,
    title,
    detail: failure.message,
    data: failure.data ?? null,
    errors: issuesOf(failure),
    requestId,
  };
}

/** A failure as tRPC puts it under `error`. */
export function errorShape(failure: Failure, { path, requestId }: { path?: string; requestId: string }): ErrorShape {
  const shape = failureShape(failure, requestId);
  const code = trpcCodeOf(failure);
  return {
    message: shape.detail,
    code: TRPC_ERROR_CODES_BY_KEY[code],
    data: { code, httpStatus: shape.status, ...(path !== undefined && { path }), failure: shape },
  };
}

/** What tRPC's own adapters throw or wrap, as a failure. Their words are their own and stay inside. */
export function failureOf(error: unknown): Failure {
  if (!(error instanceof TRPCError)) return toFailure(error);
  if (error.cause instanceof Failure) return error.cause;
  switch (error.code) {
    case 'PARSE_ERROR':
    case 'BAD_REQUEST':
      return issue('', 'must be a well-formed tRPC request', 'invalid_format');
    case 'NOT_FOUND':
      return new Failure('NOT_FOUND', null, { cause: error });
    case 'METHOD_NOT_SUPPORTED':
      return new Failure('METHOD_NOT_ALLOWED', { allowed: ['POST'] }, { cause: error });
    case 'UNSUPPORTED_MEDIA_TYPE':
      return new Failure('UNSUPPORTED_MEDIA_TYPE', { supported: ['application/json'] }, { cause: error });
    case 'CLIENT_CLOSED_REQUEST':
      return new Failure('CANCELLED', null, { cause: error });
    default:
      return toFailure(error.cause ?? error);
  }
}

// Copied, so that no answer says twice that two of its values are one.
const issuesOf = ({ code, data }: Failure): InputIssue[] =>
  code === 'INVALID_INPUT' ? (data as { issues: InputIssue[] }).issues.map((found) => ({ ...found })) : [];
