import { array, json, sql, type Database, type InTransaction, type SystemDb } from '@olympus/database';
import type { Ids } from '../../platform/ids.ts';
import type { Failed, Outcome } from './deliver.ts';
import { live, retryOf, waitAfter, type Consumer } from './consumer.ts';
import { promote } from './order.ts';
import type { Lane, StoredEvent, Work } from './work.ts';

/** Somebody else serves the lane now: what this process has done of it will be done again. */
export class LaneLost extends Error {
  override readonly name = 'LaneLost';
}

export interface Settler {
  readonly database: Database;
  readonly consumer: Consumer;
  readonly holder: string;
  readonly ids: Ids;
  readonly random: () => number;
}

export interface Settlement {
  readonly lane: Lane;
  readonly work: Work;
  readonly outcome: Outcome;
  readonly now: Date;
}

/** How many events became dead letters. */
export interface Settled {
  readonly dead: number;
}

/** Moves the offset and puts aside what could not be handled, in one transaction. Throws `LaneLost` when it is not ours to do. */
export const settle = (deps: Settler, settlement: Settlement): Promise<Settled> =>
  deps.database.systemTransaction(async (db) => {
    const { lane, work, outcome, now } = settlement;
    await holdLease(db, deps, lane);
    await moveOffset(db, deps.consumer, settlement);
    if (outcome.done.length > 0)
      await db.rows(sql`
        delete from consumer_deliveries
        where tenant_id = ${lane.tenantId}::uuid and id = any(${array(outcome.done.map(({ id }) => id))}::uuid[])`);
    const again = outcome.failed.flatMap((failed) =>
      'id' in failed.event ? [{ ...fateOf(failed, deps, now), id: failed.event.id }] : [],
    );
    await writeFailures(db, { tenantId: lane.tenantId, now, failed: again });
    const firstFates = new Map<StoredEvent, Fate>(
      outcome.failed.map((failed) => [failed.event, fateOf(failed, deps, now)]),
    );
    const held = new Set(outcome.held);
    const fates = new Map<StoredEvent, Fate>();
    // In the order of the log, which each subject's events keep.
    for (const event of work.fresh) {
      const fate = held.has(event) ? heldBack : firstFates.get(event);
      if (fate) fates.set(event, fate);
    }
    await park(db, deps, { ...lane, now, fates });
    const subjects = [...new Set([...work.due, ...outcome.held].map(({ subjectKey }) => subjectKey))];
    await promote(db, { tenantId: lane.tenantId, consumer: deps.consumer.name, lane: lane.lane, subjects, now });
    return { dead: [...again, ...fates.values()].filter(({ state }) => state === 'dead').length };
  });

/** Shared, so that the lease can pass to nobody before this transaction ends. */
async function holdLease(db: SystemDb, { consumer, holder }: Settler, { shard }: Lane): Promise<void> {
  const rows = await db.rows(sql`
    select 1 as held from consumer_leases
    where consumer = ${consumer.name} and shard = ${shard} and holder = ${holder} and expires_at > clock_timestamp()
    for share`);
  if (rows.length === 0) throw new LaneLost();
}

/** The row is locked by whoever changes the order of parked events, and stands where the work was read. */
async function moveOffset(
  db: InTransaction<SystemDb>,
  { name }: Consumer,
  { lane: { tenantId, lane }, work: { offset, next }, now }: Settlement,
): Promise<void> {
  if (lane === live)
    await db.rows(sql`
      insert into consumer_offsets (tenant_id, consumer, lane, epoch, position, updated_at)
      values (${tenantId}::uuid, ${name}, ${lane}, '', 0, ${now}) on conflict do nothing`);
  const moved = await db.rows<{ epoch: string; position: string }>(sql`
    update consumer_offsets set epoch = ${next.epoch}, position = ${next.position}, updated_at = ${now}
    where tenant_id = ${tenantId}::uuid and consumer = ${name} and lane = ${lane}
      and epoch = ${offset.epoch} and position = ${offset.position}
    returning epoch`);
  // A replay that is over and swept has no offset any more, and nothing fresh either.
  if (moved.length === 0 && (lane === live || offset.epoch !== '')) throw new LaneLost();
}

interface Fate {
  readonly state: 'retrying' | 'dead' | 'held';
  readonly attempts: number;
  readonly dueAt: Date | null;
  readonly error: string | null;
}
const heldBack: Fate = { state: 'held', attempts: 0, dueAt: null, error: null };

function fateOf({ attempts, error }: Failed, { consumer, random }: Settler, now: Date): Fate {
  const policy = retryOf(consumer);
  if (attempts >= policy.attempts) return { state: 'dead', attempts, dueAt: null, error };
  return { state: 'retrying', attempts, dueAt: new Date(now.getTime() + waitAfter(attempts, policy, random)), error };
}

/** Of events that failed before. */
async function writeFailures(
  db: SystemDb,
  { tenantId, now, failed }: { tenantId: string; now: Date; failed: readonly (Fate & { id: string })[] },
): Promise<void> {
  if (failed.length === 0) return;
  await db.rows(sql`
    update consumer_deliveries d
    set attempts = f.attempts, state = f.state, due_at = f."dueAt", error = f.error, failed_at = ${now}, version = d.version + 1
    from jsonb_to_recordset(${json(failed)}::text::jsonb)
      as f (id uuid, attempts int, state text, "dueAt" timestamptz, error text)
    where d.tenant_id = ${tenantId}::uuid and d.id = f.id`);
}

/** Puts aside events of the log, in its order. */
async function park(
  db: SystemDb,
  { consumer, ids }: Settler,
  { tenantId, lane, now, fates }: Lane & { now: Date; fates: ReadonlyMap<StoredEvent, Fate> },
): Promise<void> {
  if (fates.size === 0) return;
  const rows = [...fates].map(([event, fate]) => ({ ...event, ...fate, id: ids.next() }));
  await db.rows(sql`
    insert into consumer_deliveries
      (tenant_id, id, consumer, lane, subject_key, state, due_at, attempts, error, failed_at,
       event_id, type, event_version, subject_id, payload, request_id, occurred_at, created_at)
    select ${tenantId}::uuid, (e.row ->> 'id')::uuid, ${consumer.name}, ${lane}, e.row ->> 'subjectKey', e.row ->> 'state',
           (e.row ->> 'dueAt')::timestamptz, (e.row ->> 'attempts')::int, e.row ->> 'error',
           case when (e.row ->> 'attempts')::int > 0 then ${now}::timestamptz end,
           e.row ->> 'eventId', e.row ->> 'type', (e.row ->> 'eventVersion')::int, (e.row ->> 'subjectId')::uuid,
           e.row -> 'payload', e.row ->> 'requestId', (e.row ->> 'occurredAt')::timestamptz, ${now}
    from jsonb_array_elements(${json(rows)}::text::jsonb) with ordinality as e (row, turn)
    order by e.turn
    on conflict (tenant_id, consumer, lane, event_id) do nothing`);
}
