import type { Caller, Protocol } from '../kernel/context.ts';
import type { Kernel } from '../kernel/execute.ts';
import { Failure } from '../kernel/failure.ts';
import type { Procedure } from '../kernel/implement.ts';
import type { Ids } from '../platform/ids.ts';
import { bearerOf, printable, traceIdOf } from '../transports/caller.ts';
import { dateReviver } from '../transports/coerce.ts';
import { issue, unknownFields } from '../transports/input-issue.ts';
import { parseJson } from '../transports/json-text.ts';
import type { IncomingCommand } from './broker.ts';

/** A command as the kernel takes it. */
export interface Command {
  readonly procedure: Procedure;
  readonly input: unknown;
  /** null for queries, which may well run twice. */
  readonly idempotencyKey: string | null;
}

const maxBytes = 256 * 1024;
const maxDepth = 32;
const fields = ['procedure', 'input'];

/**
 * What can be called by a message: whoever may come again must find that it has been done already, and nobody acts without
 * a credential.
 */
export const isCallable = ({ contract: { kind, def } }: Procedure): boolean =>
  kind !== 'subscription' &&
  def.access !== 'public' &&
  def.upload === undefined &&
  (kind === 'query' || (def.idempotent !== false && def.unitOfWork !== 'own'));

/** Whether one of the patterns (`orders.*`) names the procedure; none given: all are. */
const isNamed = (path: string, patterns: readonly string[] | undefined): boolean =>
  patterns?.some((pattern) => (pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : path === pattern)) ??
  true;

/** Reads `{ procedure, input }`, which holds JSON as REST bodies do. Throws `INVALID_INPUT` that names what is wrong. */
export function decodeCommand(
  { id, body }: IncomingCommand,
  { byPath }: Pick<Kernel, 'byPath'>,
  patterns: readonly string[] | undefined,
): Command {
  if (body.byteLength > maxBytes) throw new Failure('PAYLOAD_TOO_LARGE', { limit: maxBytes });
  const message = parseJson(textOf(body), maxDepth);
  if (typeof message !== 'object' || message === null || Array.isArray(message))
    throw issue('', 'The body must be a JSON object', 'invalid_type');
  const strange = Object.keys(message).filter((field) => !fields.includes(field));
  if (strange.length > 0) throw unknownFields(strange, fields, 'field');
  const { procedure: path, input } = message as { procedure?: unknown; input?: unknown };
  if (typeof path !== 'string')
    throw issue('procedure', 'must name a procedure, such as orders.setStatus', 'invalid_type');
  const procedure = byPath.get(path);
  if (!procedure) throw issue('procedure', 'is not a procedure', 'invalid_value');
  if (!isCallable(procedure)) throw issue('procedure', 'cannot be called by a message', 'invalid_value');
  if (!isNamed(path, patterns)) throw issue('procedure', 'may not be called by this bridge', 'invalid_value');
  if (procedure.contract.kind === 'query') return { procedure, input: revived(procedure, input), idempotencyKey: null };
  if (id === null || !/^[\x21-\x7e]{1,255}$/.test(id))
    throw issue('messageId', 'must be 1 to 255 visible ASCII characters: it tells a redelivery', 'invalid_format');
  return { procedure, input: revived(procedure, input), idempotencyKey: id };
}

function textOf(body: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw issue('', 'The body must be UTF-8', 'invalid_encoding');
  }
}

/** Instants are text in JSON. */
const revived = ({ contract: { def } }: Procedure, input: unknown): unknown =>
  (def.input && dateReviver(def.input as unknown as Parameters<typeof dateReviver>[0])?.(input)) ?? input;

/** Brokers tell no address of who sent a message: all come from here. */
const address = '127.0.0.1';

export interface Bearer {
  readonly bridge: string;
  readonly protocol: Protocol;
  /** Of the bridge, for commands without one of their own. */
  readonly key: string | undefined;
  readonly ids: Ids;
}

/** Who sends a command: by its `authorization` header, else as the bridge. Throws `UNAUTHENTICATED` where neither has a key. */
export function callerOf({ id, headers }: IncomingCommand, { bridge, protocol, key, ids }: Bearer): Caller {
  const credential = bearerOf(headers.get('authorization')) ?? key;
  if (credential === undefined)
    throw new Failure('UNAUTHENTICATED', null, { detail: 'The command has no key, and its bridge has none either' });
  return {
    protocol,
    requestId: id !== null && printable.test(id) ? id : ids.next(),
    traceId: traceIdOf(headers.get('traceparent')),
    address,
    credential,
    userAgent: `olympus-bridge/${bridge}`,
  };
}
