import type { AuditEntry } from '@olympus/contracts';
import type { Call, Caller, Principal } from '../kernel/context.ts';
import type { Failure } from '../kernel/failure.ts';
import type { Procedure } from '../kernel/implement.ts';
import { differences, redactionOf, type Redaction } from './redact.ts';

/** An entry before it is sealed. */
export type NewEntry = Omit<AuditEntry, 'sequence' | 'hash'> & { readonly tenantId: string };
type Facts = Pick<NewEntry, 'id' | 'createdAt'>;

const redactions = new WeakMap<Procedure, Redaction>();
function redactionFor(procedure: Procedure): Redaction {
  let redaction = redactions.get(procedure);
  if (!redaction) redactions.set(procedure, (redaction = redactionOf(procedure.path, procedure.contract)));
  return redaction;
}

/** The entry of a call that succeeded. Of what was read, only what was asked is kept. */
export function successOf(call: Call, result: unknown, facts: Facts): NewEntry {
  const redaction = redactionFor(call.procedure);
  const { before, after } = call.recorded;
  const { kind, def } = call.procedure.contract;
  const added = kind === 'query' || (def.unitOfWork === 'own' && call.recorded.subject) ? null : result;
  const states =
    before === undefined && after === undefined
      ? { before: null, after: redaction.result(added) }
      : differences(redaction.state(before), redaction.state(after));
  return {
    ...callOf(call, facts),
    ...states,
    outcome: 'success',
    code: null,
    resourceId: idOf(call.input) ?? idOf(result) ?? subjectOf(call),
    input: redaction.input(call.input),
  };
}

/** The entry of a call that failed. What is denied may not have been read yet, so its input is not kept. */
export function failureOf(call: Call, failure: Failure, facts: Facts & Pick<NewEntry, 'outcome'>): NewEntry {
  const { outcome, ...rest } = facts;
  return {
    ...callOf(call, rest),
    outcome,
    code: failure.code,
    resourceId: idOf(call.input) ?? subjectOf(call),
    input: outcome === 'failed' ? redactionFor(call.procedure).input(call.input) : null,
    before: null,
    after: null,
  };
}

/** An entry of what the program does by itself. */
export const ownEntry = (facts: Facts & Pick<NewEntry, 'tenantId' | 'procedure' | 'input' | 'after'>): NewEntry => ({
  outcome: 'success',
  code: null,
  resourceType: resourceTypeOf(facts.procedure),
  resourceId: null,
  userId: null,
  apiKeyId: null,
  actorUserId: null,
  actorReason: null,
  count: 1,
  before: null,
  protocol: null,
  address: null,
  userAgent: null,
  requestId: null,
  traceId: null,
  ...facts,
});

/** The entry of a credential that was good, at an address which its tenant keeps out. Nothing of the call was read. */
export const keptOutOf = (
  caller: Caller,
  principal: Principal,
  facts: Facts & Pick<NewEntry, 'procedure' | 'code'>,
): NewEntry => ({
  tenantId: principal.tenantId,
  outcome: 'denied',
  resourceType: resourceTypeOf(facts.procedure),
  resourceId: null,
  ...whoOf(principal),
  ...whereOf(caller),
  count: 1,
  input: null,
  before: null,
  after: null,
  ...facts,
});

const whoOf = (principal: Principal | null) => ({
  userId: principal?.userId ?? null,
  apiKeyId: principal?.apiKeyId ?? null,
  actorUserId: principal?.actor?.userId ?? null,
  actorReason: principal?.actor?.reason ?? null,
});
const whereOf = (caller: Caller) => ({
  protocol: caller.protocol,
  address: caller.address,
  userAgent: storable(caller.userAgent),
  requestId: caller.requestId,
  traceId: caller.traceId,
});

function callOf(call: Call, { id, createdAt }: Facts) {
  const { principal, caller, procedure, recorded } = call;
  const tenantId = recorded.subject?.tenantId ?? principal?.tenantId;
  if (tenantId === undefined) throw new Error(`${procedure.path} has no tenant whose log it belongs to`);
  return {
    tenantId,
    id,
    createdAt,
    procedure: procedure.path,
    resourceType: resourceTypeOf(procedure.path),
    // Whoever signs in is the one, and not whose token came along.
    ...whoOf(recorded.subject ? null : principal),
    ...(recorded.subject && { userId: recorded.subject.userId }),
    count: 1,
    ...whereOf(caller),
  };
}

/** Domains that are about the caller themself. */
const ofCaller = new Set(['auth', 'account', 'signIn']);
const domainOf = (path: string): string => path.split('.').at(-2) ?? path;

/** `orders.create` is about an order, `auth.sessions.revoke` about a session, `auth.login` about a user. */
export function resourceTypeOf(path: string): string {
  const domain = domainOf(path);
  return ofCaller.has(domain) ? 'user' : domain.replace(/s$/, '');
}

const subjectOf = ({ procedure, recorded, principal }: Call): string | null =>
  ofCaller.has(domainOf(procedure.path)) ? (recorded.subject?.userId ?? principal?.userId ?? null) : null;

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
function idOf(value: unknown): string | null {
  if (typeof value !== 'object' || value === null || !('id' in value)) return null;
  return typeof value.id === 'string' && uuid.test(value.id) ? value.id.toLowerCase() : null;
}

/** Printable ASCII, so that nothing is told from a header that a terminal would take for a command. */
const storable = (text: string | null | undefined): string | null =>
  text ? text.replace(/[^\x20-\x7e]/g, '?').slice(0, 256) : null;
