import { commonErrors, Problem, type CommonErrorCode, type Def, type ErrorSpec } from '@olympus/contracts';
import { z } from 'zod';
import type { ZodOpenApiHeadersObject, ZodOpenApiResponsesObject } from 'zod-openapi';
import { answerTypes } from './media-choice.ts';
import { problemType } from './problem.ts';
import { compile, type Promised } from './rest-route.ts';

/** The headers that answers carry, as components. */
export const responseHeaders = {
  ETag: text('The version of the resource, or a hash of the answer', '"3"'),
  Location: text('The address of what was created', '/api/v1/orders/01890a5d-ac96-774b-bcce-b302099a8057'),
  Link: text('The pages after and before (RFC 8288)', '</api/v1/orders?cursor=eyJ2IjoxfQ>; rel="next"'),
  'X-Total-Count': integer('How many there are, where `withTotal` was asked', 541_909),
  'Content-Disposition': text('The name of the document', 'attachment; filename="orders.csv"'),
  'Content-Range': text('Which part it is, and of how much', 'bytes 0-1023/20480'),
  'Idempotency-Replayed': text('`true` where the answer is that of the first call with this key', 'true'),
  RateLimit: text('What is left of the window, and when it starts anew', '"read";r=199;t=1'),
  'RateLimit-Policy': text('Calls and seconds of the window', '"read";q=200;w=1'),
  'Retry-After': integer('Seconds after which to try again', 1),
  'X-Request-Id': text('Names the call in logs; the caller’s own where one was sent', 'a0e4a2d1'),
};
type HeaderName = keyof typeof responseHeaders;

function text(description: string, example: string) {
  return { description, schema: { type: 'string' as const }, example };
}
function integer(description: string, example: number) {
  return { description, schema: { type: 'integer' as const, format: 'int64' }, example };
}
const headers = (...names: (HeaderName | false)[]): ZodOpenApiHeadersObject =>
  Object.fromEntries(
    names.filter((name) => name !== false).map((name) => [name, { $ref: `#/components/headers/${name}` }]),
  );

const successes: Readonly<Record<number, string>> = {
  200: 'What was asked for',
  201: 'What was created',
  204: 'Done',
  207: 'What each item came to',
};

/** Success, as each media type has it, and every failure that can be met, by status. */
export function responsesOf(procedure: Promised): ZodOpenApiResponsesObject {
  const { def, kind } = procedure.contract;
  const operation = compile(procedure);
  const status = def.status ?? 200;
  const output = def.output as unknown as z.ZodType;
  const tags = kind === 'query' || 'version' in shapeOf(output);
  const success = {
    description: kind === 'subscription' ? 'The items as they come' : (successes[status] ?? 'Success'),
    headers: headers(
      'X-Request-Id',
      'RateLimit',
      'RateLimit-Policy',
      tags && status !== 204 && 'ETag',
      status === 201 && 'id' in shapeOf(output) && 'Location',
      operation.page && 'Link',
      operation.page && 'X-Total-Count',
      keepsAnswers(procedure) && 'Idempotency-Replayed',
      (def.download ?? def.serves) !== undefined && 'Content-Disposition',
    ),
    ...(status !== 204 && {
      content: Object.fromEntries(
        answerTypes(procedure.contract).map((type) => [type, { schema: schemaOf(procedure, type) }]),
      ),
    }),
  };
  return {
    [status]: success,
    ...(def.serves && {
      206: {
        description: 'The part that was asked for',
        headers: headers('X-Request-Id', 'ETag', 'Content-Range'),
        content: Object.fromEntries(def.serves.map((type) => [type, { schema: schemaOf(procedure, type) }])),
      },
    }),
    ...(kind === 'query' && { 304: { description: 'Not changed since the ETag given', headers: headers('ETag') } }),
    ...failures(errorsOf(procedure)),
  };
}

/** Bytes are not described further; CSV is text. */
function schemaOf({ contract: { kind, def } }: Promised, type: string) {
  if (def.serves?.includes(type)) return { type: 'string' as const, format: 'binary' };
  if (type === 'text/csv') return { type: 'string' as const };
  return kind === 'subscription' && type === 'application/json' ? pageOf(def) : (def.output as unknown as z.ZodType);
}

const pages = new Map<Def['output'], z.ZodType>();

/** What a poll of a stream is answered with. */
function pageOf({ output, tracked }: Def): z.ZodType {
  const known = pages.get(output);
  if (known) return known;
  const data = output as unknown as z.ZodType;
  const name = data.meta()?.id ?? 'Event';
  const id = tracked ? z.string() : z.string().nullable();
  const event = z.object({ id, data }).meta({ id: `Tracked${name}` });
  const page = z
    .object({
      events: z.array(event),
      lastEventId: z.string().nullable().meta({ description: 'The `Last-Event-ID` of the next poll' }),
    })
    .meta({ id: `${name}Poll` });
  pages.set(output, page);
  return page;
}

const shapeOf = (schema: z.ZodType): object => (schema._zod.def as { shape?: object }).shape ?? {};

/** Whether the first answer is kept by `Idempotency-Key`. */
export const keepsAnswers = ({ contract: { kind, def } }: Promised): boolean =>
  kind === 'mutation' && def.idempotent !== false && def.access !== 'public';

/** The errors a call may meet: those of its contract, and the common ones that its kind can come to. */
export function errorsOf(procedure: Promised): Readonly<Record<string, ErrorSpec>> {
  const { def, kind } = procedure.contract;
  const { takesBody, queryFields, versioned } = compile(procedure);
  const met: [CommonErrorCode, boolean][] = [
    ['INVALID_INPUT', true],
    ['UNAUTHENTICATED', true],
    ['FORBIDDEN', def.access !== 'public'],
    ['NOT_ACCEPTABLE', def.status !== 204],
    ['IDEMPOTENCY_IN_PROGRESS', keepsAnswers(procedure)],
    ['VERSION_CONFLICT', versioned],
    ['PAYLOAD_TOO_LARGE', takesBody],
    ['URI_TOO_LONG', queryFields.size > 0],
    ['UNSUPPORTED_MEDIA_TYPE', takesBody],
    ['RANGE_NOT_SATISFIABLE', def.serves !== undefined],
    ['IDEMPOTENCY_KEY_REUSED', keepsAnswers(procedure)],
    ['RATE_LIMITED', true],
    ['TOO_MANY_STREAMS', kind === 'subscription'],
    ['INTERNAL', true],
    ['UNAVAILABLE', true],
    ['DEADLINE_EXCEEDED', kind !== 'subscription'],
  ];
  const common = met.filter(([, can]) => can).map(([code]) => [code, commonErrors[code]]);
  return { ...def.errors, ...(Object.fromEntries(common) as Record<string, ErrorSpec>) };
}

function failures(errors: Readonly<Record<string, ErrorSpec>>): Record<string, object> {
  const byStatus = new Map<number, [string, ErrorSpec][]>();
  for (const [code, spec] of Object.entries(errors))
    byStatus.set(spec.status, [...(byStatus.get(spec.status) ?? []), [code, spec]]);
  return Object.fromEntries(
    [...byStatus].sort(([a], [b]) => a - b).map(([status, met]) => [status, failureOf(status, met)]),
  );
}

/** The answers of a status; where only common errors have it, operations share them as one component. */
function failureOf(status: number, met: [string, ErrorSpec][]): object {
  const codes = met.map(([code]) => code);
  const name = codes.every((code) => code in commonErrors) ? codes.map(pascal).join('Or') : null;
  const known = name === null ? undefined : components.get(name);
  if (known) return known;
  const answer = {
    ...(name !== null && { id: name }),
    description: met.map(([code, { title }]) => `\`${code}\`: ${title}`).join('. '),
    headers: headers('X-Request-Id', (status === 429 || status === 503) && 'Retry-After'),
    content: { 'application/problem+json': { schema: Problem, ...(met[0] && { example: exampleOf(met[0]) }) } },
    'x-error-codes': codes,
  };
  if (name !== null) components.set(name, answer);
  return answer;
}

function exampleOf([code, { status, title }]: [string, ErrorSpec]): z.output<typeof Problem> {
  const requestId = 'a0e4a2d1';
  return {
    type: problemType(code),
    title,
    status,
    detail: title,
    instance: null,
    code,
    requestId,
    errors: [],
    data: null,
  };
}

/** zod-openapi tells components by their identity. */
const components = new Map<string, object>();
const pascal = (code: string): string =>
  code.toLowerCase().replaceAll(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase());
