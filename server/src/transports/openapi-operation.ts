import type { RateClass } from '@olympus/contracts';
import { z } from 'zod';
import type { ZodOpenApiOperationObject } from 'zod-openapi';
import { formats } from './media-choice.ts';
import { errorsOf, keepsAnswers, responsesOf } from './openapi-responses.ts';
import { compile, type Operation, type Promised } from './rest-route.ts';
import { fieldsOf } from './schema-shape.ts';

/** A contract as an OpenAPI operation. */
export function operationOf(procedure: Promised): ZodOpenApiOperationObject {
  const operation = compile(procedure);
  const { def, kind } = procedure.contract;
  const body = bodyOf(operation);
  return {
    operationId: def.operationId,
    tags: [tagOf(procedure)],
    summary: def.summary,
    description: describe(procedure),
    security: def.access === 'public' ? [] : [{ bearer: [] }],
    requestParams: {
      path: pick(operation, operation.pathFields.keys()),
      query: pick(operation, operation.queryFields.keys()).extend(
        def.download ? { format: DownloadFormat.optional() } : {},
      ),
      header: z.object(headerParameters(operation)),
    },
    ...(body && { requestBody: body }),
    responses: responsesOf(procedure),
    ...(def.access !== 'public' && { 'x-permission': def.access }),
    'x-error-codes': Object.keys(errorsOf(procedure)),
    ...(kind === 'subscription' && !def.download && { 'x-event-stream': true }),
    ...((def.download ?? def.serves) && { 'x-download': [...(def.download ?? def.serves ?? [])] }),
    ...(def.upload && { 'x-upload': [...def.upload] }),
  };
}

/** The first name of the dotted path. */
export const tagOf = ({ path }: Promised): string => path.split('.')[0] ?? path;

const DownloadFormat = z
  .enum(Object.keys(formats) as ['csv', 'ndjson'])
  .meta({ id: 'DownloadFormat', description: 'The document’s format; it wins over `Accept`', examples: ['csv'] });

/** A form with the one file; its field may have any name. */
const FileForm = z
  .strictObject({ file: z.string().meta({ format: 'binary', description: 'The bytes' }) })
  .meta({ id: 'FileForm' });

type Fields = z.core.$ZodLooseShape;

function pick({ procedure }: Operation<Promised>, names: Iterable<string>): z.ZodObject {
  const chosen = new Set(names);
  const fields = Object.entries(fieldsOf(procedure.contract.def.input));
  return z.strictObject(Object.fromEntries(fields.filter(([name]) => chosen.has(name))));
}

/** The fields that travel in the body, as one schema that is named after the operation. */
function bodyOf(operation: Operation<Promised>): ZodOpenApiOperationObject['requestBody'] | null {
  const { def } = operation.procedure.contract;
  if (!operation.takesBody || operation.bodyFields.size === 0) return null;
  const { operationId } = def;
  const id = `${operationId.charAt(0).toUpperCase()}${operationId.slice(1)}Request`;
  const schema = pick(operation, operation.bodyFields).meta({ id });
  const needed = Object.values(schema.shape).some((field) => (field as z.ZodType)._zod.optin === undefined);
  return {
    required: needed || operation.method !== 'POST' || def.upload !== undefined,
    content: {
      'application/json': { schema },
      ...Object.fromEntries(
        (def.upload ?? []).map((type) => [
          type,
          { schema: type === 'multipart/form-data' ? FileForm : { type: 'string', format: 'binary' } },
        ]),
      ),
    },
  };
}

const header = (description: string, example: string) => z.string().optional().meta({ description, example });

function headerParameters(operation: Operation<Promised>): Fields {
  const { kind } = operation.procedure.contract;
  return {
    ...(keepsAnswers(operation.procedure) && {
      'Idempotency-Key': header(
        'Makes the call safe to repeat: the first answer is replayed for 24 hours',
        '5f3d1d0e-8a64-4c55-9d3c-1f2a9a3c7b10',
      ),
    }),
    ...(operation.versioned && {
      'If-Match': header('The ETag that the change is meant for; another one on the server is 412', '"3"'),
    }),
    ...(kind === 'query' && { 'If-None-Match': header('An ETag: the answer is 304 where it still holds', '"3"') }),
    ...(operation.procedure.contract.def.serves && {
      Range: header('The part that is wanted, one at a time', 'bytes=0-1023'),
      'If-Range': header('The ETag or date for which the part is wanted; the whole otherwise', '"9f86d081"'),
    }),
    ...(kind === 'subscription' &&
      !operation.procedure.contract.def.download && {
        Prefer: header(
          'As JSON: the seconds to wait where there is nothing to tell, up to 30 (RFC 7240). Default: 25',
          'wait=25',
        ),
      }),
    ...(operation.resumable && {
      'Last-Event-ID': header('The id of the last event seen, from which the stream resumes', 'AAAAAAAAAGQ'),
    }),
  };
}

const rateNames: Readonly<Record<RateClass, string>> = {
  read: 'reads',
  write: 'writes',
  signIn: 'attempts to sign in',
  stream: 'streams',
};

function describe({ contract: { kind, def } }: Promised): string {
  const rate = def.rate ?? (kind === 'mutation' ? 'write' : 'read');
  const tracked = kind === 'subscription' && !def.download;
  return [
    `${def.summary}.`,
    def.access === 'public' ? 'Needs no credential.' : `Needs the permission \`${def.access}\`.`,
    `Counts among ${rateNames[rate]}.`,
    ...(def.cache
      ? [`Answers are kept for up to ${def.cache.ttl} seconds, and dropped when what they tell changes.`]
      : []),
    ...(tracked
      ? [
          'The stream goes on until one side leaves; an event `error` carries a problem before it ends.',
          'Asked for as JSON, the answer is what there is to tell, at once or as soon as there is something, and counts among reads: for long polling where no stream gets through.',
        ]
      : []),
    ...(def.upload ? ['The body is streamed: it may be far larger than other bodies.'] : []),
    ...(def.serves ? ['Where JSON is not asked for by `Accept`, the answer is the bytes themselves.'] : []),
    ...(def.download ? ['The document is streamed; a connection that breaks off means that it is not whole.'] : []),
  ].join(' ');
}
