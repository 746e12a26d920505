import type { AnyContract } from '@olympus/contracts';
import Negotiator from 'negotiator';
import { Failure } from '../kernel/failure.ts';
import { issue } from './input-issue.ts';
import type { Incoming } from './rest-decode.ts';

/** Short names of the documents that downloads come in. */
export const formats: Readonly<Record<string, string>> = { csv: 'text/csv', ndjson: 'application/x-ndjson' };

/** What an operation can answer in, the default first. */
export function answerTypes({ kind, def }: AnyContract): readonly string[] {
  if (def.download) return def.download;
  if (def.serves) return [...def.serves, 'application/json'];
  return kind === 'subscription' ? ['text/event-stream', 'application/json'] : ['application/json'];
}

/** The media type that the caller likes best: by `format` where a download is named, else by `Accept`. */
export function chooseType({ request, operation, query }: Incoming): string {
  const available = answerTypes(operation.procedure.contract);
  const named = operation.procedure.contract.def.download && query.get('format');
  if (named) {
    const type = formats[named[0] ?? ''];
    if (named.length > 1 || type === undefined || !available.includes(type))
      throw issue('format', `must be ${Object.keys(formats).join(' or ')}`, 'invalid_value');
    return type;
  }
  const { accept } = request.headers;
  const [first = 'application/json'] = available;
  if (accept === undefined || accept === '*/*' || accept === first) return first;
  if (operation.procedure.contract.def.status === 204) return first;
  // All that is sent is UTF-8, whether it is asked for by name or not.
  const plain = accept.replaceAll(/;\s*charset="?utf-?8"?/gi, '');
  const chosen = new Negotiator({ headers: { accept: plain } }).mediaType(available);
  if (chosen === undefined) throw new Failure('NOT_ACCEPTABLE', { available: [...available] });
  return chosen;
}
