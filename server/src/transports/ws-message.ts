import { Failure, toFailure } from '../kernel/failure.ts';
import { printable } from './caller.ts';
import { issue } from './input-issue.ts';
import { decodeInput } from './wire-input.ts';

export type MessageId = string | number;
type Method = 'query' | 'mutation' | 'subscription';

/** A message of tRPC's WebSocket protocol. `head` is how every answer to it begins. */
export type Message =
  | { readonly type: 'call'; readonly id: MessageId; readonly head: string; readonly call: CallMessage }
  | { readonly type: 'stop'; readonly id: MessageId }
  | { readonly type: 'connectionParams'; readonly head: string | null; readonly data: unknown };

export interface CallMessage {
  readonly method: Method;
  readonly path: string;
  /** A failure where the input could not be read. */
  readonly input: unknown;
  readonly lastEventId: string | null;
  readonly idempotencyKey: string | null;
  /** The caller's own name for the call, as `X-Request-Id` is over HTTP. */
  readonly requestId: string | null;
}

/** What an answer to no message in particular begins with. */
export const headOfNone = '{"id":null';

/** Reads a message. Throws `INVALID_INPUT`; `headOf` says whom to tell. */
export function readMessage(message: unknown): Message {
  if (!isRecord(message)) throw issue('', 'must be a tRPC message', 'invalid_type');
  const { id, method, params } = message;
  if (method === 'connectionParams')
    return { type: 'connectionParams', head: isId(id) ? headOf(message) : null, data: message['data'] };
  if (!isId(id)) throw issue('id', 'must be a number, or text of at most 100 characters', 'invalid_type');
  if (method === 'subscription.stop') return { type: 'stop', id };
  if (method !== 'query' && method !== 'mutation' && method !== 'subscription')
    throw issue(
      'method',
      'must be query, mutation, subscription, subscription.stop or connectionParams',
      'invalid_value',
    );
  if (!isRecord(params)) throw issue('params', 'must be an object with a path', 'invalid_type');
  const { path, input } = params;
  if (typeof path !== 'string') throw issue('params.path', 'must be the path of a procedure', 'invalid_type');
  const call: CallMessage = {
    method,
    path,
    input: readable(input),
    lastEventId: textOf(params, 'lastEventId'),
    idempotencyKey: textOf(params, 'idempotencyKey'),
    requestId:
      typeof params['requestId'] === 'string' && printable.test(params['requestId']) ? params['requestId'] : null,
  };
  return { type: 'call', id, head: headOf(message), call };
}

/** How an answer to a message begins: its id and, where it named one, its version of JSON-RPC. */
export function headOf(message: unknown): string {
  if (!isRecord(message) || !isId(message['id'])) return headOfNone;
  return `{"id":${JSON.stringify(message['id'])}${message['jsonrpc'] === '2.0' ? ',"jsonrpc":"2.0"' : ''}`;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isId = (id: unknown): id is MessageId =>
  (typeof id === 'number' && Number.isFinite(id)) || (typeof id === 'string' && id.length <= 100);

function textOf(params: Record<string, unknown>, name: string): string | null {
  const text = params[name];
  if (text === undefined || text === null) return null;
  if (typeof text !== 'string' || text.length > 255)
    throw issue(`params.${name}`, 'must be text of at most 255 characters', 'invalid_type');
  return text;
}

function readable(payload: unknown): unknown {
  try {
    return decodeInput(payload);
  } catch (cause) {
    return toFailure(cause);
  }
}

/** The input of a subscription that goes on after an event. */
export function resumedInput(input: unknown, lastEventId: string | null): unknown {
  if (lastEventId === null || input instanceof Failure) return input;
  return isRecord(input) || input === undefined || input === null ? { ...(input as object), lastEventId } : input;
}
