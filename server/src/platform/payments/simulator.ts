import { sql, type Database, type SystemDb } from '@olympus/database';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../clock.ts';
import type { Ids } from '../ids.ts';
import type { HeldCall, PaymentAnswer, PaymentCall, PaymentProvider } from './provider.ts';
import { PaymentUnavailable } from './provider.ts';
import { faultOf, type SimulatedCall, type SimulatedFault } from './simulator-faults.ts';

export interface SimulatorOptions {
  readonly database: Pick<Database, 'systemDb' | 'systemTransaction'>;
  readonly clock: Clock;
  readonly ids: Ids;
  /** What goes wrong with payments whose tokens say nothing. */
  readonly fault?: string | null;
}

interface Entry {
  readonly reference: string;
  readonly method: string;
  readonly refused: string | null;
  readonly requests: number;
  /** null: the provider was away each time. */
  readonly effectiveAt: Date | null;
}
type Request = PaymentCall & { readonly method?: string; readonly reference?: string };

const columns = sql`reference, method, refused, requests, nullif(effective_at, 'infinity') as "effectiveAt"`;

/**
 * A payment provider for development and tests, with books of its own in `simulated_payments`: they are written before it
 * answers, whatever becomes of its caller. What goes wrong is said by the method's token.
 */
export function simulatedPayments({ database, clock, ids, fault }: SimulatorOptions): PaymentProvider {
  const enter = (kind: SimulatedCall, request: Request): Promise<{ entry: Entry; fault: SimulatedFault }> =>
    database.systemTransaction(async (db) => {
      // One request about a payment after the other, so that it is not both taken and let go.
      await db.rows(sql`select pg_advisory_xact_lock(hashtextextended(${request.reference ?? request.key}, 7))`);
      const [known] = await db.rows<Entry>(sql`
        update simulated_payments set requests = requests + 1 where key = ${request.key} returning ${columns}`);
      const reference = request.reference ?? known?.reference ?? `sim_${ids.next()}`;
      const method = request.method ?? (await methodOf(db, reference)) ?? '';
      const named = faultOf(method, kind);
      const met = named.kind === 'none' && fault ? faultOf(fault, kind) : named;
      if (known?.effectiveAt) return { entry: known, fault: met };
      const away = met.kind === 'down' && (known?.requests ?? 1) <= met.count;
      const delay = met.kind === 'slow' ? met.count : 0;
      const refused = met.kind === 'decline' ? 'declined' : await refusalOf(db, { kind, reference, now: clock.now() });
      const at = away ? sql`'infinity'::timestamptz` : sql`${new Date(clock.now().getTime() + delay)}::timestamptz`;
      const [entry] = await db.rows<Entry>(sql`
        insert into simulated_payments (key, kind, reference, method, amount, currency, refused, effective_at)
        values (${request.key}, ${kind}, ${reference}, ${method}, ${request.amount}::numeric, ${request.currency}, ${refused}, ${at})
        on conflict (key) do update set refused = excluded.refused, effective_at = excluded.effective_at
        returning ${columns}`);
      if (!entry) throw new Error('the simulated payment was not written');
      return { entry, fault: met };
    });

  async function handle(kind: SimulatedCall, request: Request): Promise<PaymentAnswer> {
    const { entry, fault: met } = await enter(kind, request);
    if (!entry.effectiveAt) throw new PaymentUnavailable('the payment provider is away');
    const left = entry.effectiveAt.getTime() - clock.now().getTime();
    if (left > 0) await sleep(left, undefined, { signal: request.signal });
    if (met.kind === 'lost_answer' && entry.requests === 1) throw new Error('the connection broke');
    return answerOf(entry);
  }
  const respond = async (kind: SimulatedCall, request: Request): Promise<PaymentAnswer> => {
    const isTwice = faultOf(request.method ?? (await methodOf(database.systemDb, request.reference ?? '')) ?? '', kind);
    if (isTwice.kind !== 'duplicate') return handle(kind, request);
    const [answer] = await Promise.all([handle(kind, request), handle(kind, request)]);
    return answer;
  };

  return {
    name: 'simulated',
    authorize: (call) => respond('authorize', call),
    capture: (call: HeldCall) => respond('capture', call),
    void: (call: HeldCall) => respond('void', call),
    refund: (call: HeldCall) => respond('refund', call),
    async find(key) {
      const [entry] = await database.systemDb.rows<Entry>(sql`
        select ${columns} from simulated_payments where key = ${key} and effective_at <= ${clock.now()}`);
      return entry ? answerOf(entry) : null;
    },
  };
}

const answerOf = ({ reference, refused }: Entry): PaymentAnswer =>
  refused === null ? { done: true, reference } : { done: false, reason: refused };

async function methodOf(db: SystemDb, reference: string): Promise<string | undefined> {
  const [row] = await db.rows<{ method: string }>(sql`
    select method from simulated_payments where reference = ${reference} and kind = 'authorize'`);
  return row?.method;
}

/** Why a call about a payment cannot be done as it stands now. */
async function refusalOf(
  db: SystemDb,
  { kind, reference, now }: { kind: SimulatedCall; reference: string; now: Date },
): Promise<string | null> {
  if (kind === 'authorize') return null;
  const rows = await db.rows<{ kind: SimulatedCall }>(sql`
    select kind from simulated_payments
    where reference = ${reference} and refused is null
      and (effective_at <= ${now} or (kind <> 'authorize' and effective_at < 'infinity'))`);
  const has = (done: SimulatedCall) => rows.some((row) => row.kind === done);
  if (!has('authorize')) return 'unknown';
  if (kind === 'refund') return has('refund') ? 'refunded' : has('capture') ? null : 'not_captured';
  return has('capture') ? 'captured' : has('void') ? 'voided' : null;
}
