import { array, sql, type SQL } from '@olympus/database';

interface Runner {
  rows<R extends object>(statement: SQL): Promise<R[]>;
}

export interface LaneOfConsumer {
  readonly tenantId: string;
  readonly consumer: string;
  readonly lane: string;
}

/** Keeps a lane's parked events to this transaction: nobody else adds to them or takes from them before it ends. */
export async function lockLane(db: Runner, { tenantId, consumer, lane }: LaneOfConsumer): Promise<void> {
  await db.rows(sql`
    select 1 as locked from consumer_offsets
    where tenant_id = ${tenantId}::uuid and consumer = ${consumer} and lane = ${lane} for update`);
}

/** Makes the first parked event of each subject due where it was held behind one that is gone. */
export async function promote(
  db: Runner,
  { tenantId, consumer, lane, subjects, now }: LaneOfConsumer & { subjects: readonly string[]; now: Date },
): Promise<void> {
  if (subjects.length === 0) return;
  await db.rows(sql`
    update consumer_deliveries d set state = 'retrying', due_at = ${now}
    where d.tenant_id = ${tenantId}::uuid and d.consumer = ${consumer} and d.lane = ${lane}
      and d.subject_key = any(${array(subjects)}::text[]) and d.state = 'held'
      and not exists (
        select 1 from consumer_deliveries e
        where e.tenant_id = d.tenant_id and e.consumer = d.consumer and e.lane = d.lane
          and e.subject_key = d.subject_key and e.ordinal < d.ordinal)`);
}
