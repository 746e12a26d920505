import type { IncomingMessage } from 'node:http';
import type { Upload } from '../kernel/context.ts';
import { issue, unknownFields } from './input-issue.ts';
import { parseJson } from './json-text.ts';
import { fileOf } from './multipart.ts';
import { hasBody, mediaTypeOf, readText, streamOf } from './request-body.ts';
import type { Operation, TextField } from './rest-route.ts';

export interface RestLimits {
  /** Bytes of a JSON body. */
  readonly bodyBytes: number;
  /** Bytes of a streamed body. */
  readonly uploadBytes: number;
  /** Characters of the path and query. */
  readonly urlLength: number;
  /** Levels of nesting in a JSON body. */
  readonly jsonDepth: number;
}

/** A request whose path is known. */
export interface Incoming {
  readonly request: IncomingMessage;
  readonly operation: Operation;
  readonly params: Readonly<Record<string, string | undefined>>;
  readonly query: ReadonlyMap<string, readonly string[]>;
  readonly limits: RestLimits;
}

/** Gathers path, query, headers and body into one input; what is streamed stays apart. Throws failures that name the field. */
export async function decode(incoming: Incoming): Promise<{ input: Record<string, unknown>; upload: Upload | null }> {
  const { request, operation, limits } = incoming;
  const input: Record<string, unknown> = {};
  readQuery(incoming, input);
  readHeaders(incoming, input);
  let upload: Upload | null = null;
  if (hasBody(request)) {
    if (!operation.takesBody) throw issue('', `${request.method} takes no body`, 'unexpected_body');
    const mediaType = mediaTypeOf(request, operation.bodyTypes);
    if (operation.procedure.contract.def.upload?.includes(mediaType)) {
      const stream = streamOf(request, limits.uploadBytes);
      const multipart = mediaType === 'multipart/form-data';
      upload = { mediaType, stream, ...(multipart && { file: () => fileOf(request.headers['content-type'], stream) }) };
    } else readBody(incoming, input, parseJson(await readText(request, limits.bodyBytes), limits.jsonDepth));
  }
  readPath(incoming, input);
  return { input, upload };
}

function readPath({ operation, params }: Incoming, input: Record<string, unknown>): void {
  for (const [name, field] of operation.pathFields) {
    const text = params[name] ?? '';
    if (text.includes('\0')) throw issue(name, 'must not contain NUL', 'invalid_encoding');
    input[name] = field.decode(text);
  }
}

function readQuery({ operation, query }: Incoming, input: Record<string, unknown>): void {
  const unknown: string[] = [];
  // The format of a download is the transport's own matter, chosen already.
  const own = operation.procedure.contract.def.download ? ['format'] : [];
  for (const [name, values] of query) {
    const field = operation.queryFields.get(name);
    if (field) input[name] = readField(name, field, values);
    else if (operation.pathFields.has(name)) throw misplaced(name, 'path');
    else if (operation.bodyFields.has(name)) throw misplaced(name, 'body');
    else if (!own.includes(name)) unknown.push(name);
  }
  if (unknown.length > 0) throw unknownFields(unknown, [...operation.queryFields.keys(), ...own], 'query field');
}

function readField(name: string, field: TextField, values: readonly string[]): unknown {
  if (field.list) return values.map(field.decode);
  if (values.length > 1) throw issue(name, 'must be given once', 'repeated');
  return field.decode(values[0] ?? '');
}

function readBody({ operation }: Incoming, input: Record<string, unknown>, body: unknown): void {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw issue('', 'The body must be a JSON object', 'invalid_type');
  for (const name of Object.keys(body)) {
    if (operation.pathFields.has(name)) throw misplaced(name, 'path');
    if (operation.queryFields.has(name)) throw misplaced(name, 'query');
  }
  const { expectedVersion } = input;
  Object.assign(input, operation.reviveDates?.(body) ?? body);
  if (expectedVersion !== undefined && input['expectedVersion'] !== expectedVersion) throw otherVersion();
}

const otherVersion = () => issue('expectedVersion', 'must agree with If-Match', 'repeated');
const misplaced = (name: string, place: string) => issue(name, `belongs in the ${place}`, 'misplaced');

function readHeaders({ request, operation }: Incoming, input: Record<string, unknown>): void {
  const { 'if-match': ifMatch, 'last-event-id': lastEventId } = request.headers;
  // A browser that reconnects repeats the address it began with and tells its newest event in the header.
  if (operation.resumable && typeof lastEventId === 'string' && lastEventId !== '') input['lastEventId'] = lastEventId;
  if (!operation.versioned || ifMatch === undefined || ifMatch.trim() === '*') return;
  const version = /^\s*(?:W\/)?"(\d{1,15})"\s*$/.exec(ifMatch)?.[1];
  if (version === undefined) throw issue('If-Match', 'must be one ETag as it was given, such as "3"', 'invalid_format');
  if (input['expectedVersion'] !== undefined && input['expectedVersion'] !== Number(version)) throw otherVersion();
  input['expectedVersion'] = Number(version);
}
