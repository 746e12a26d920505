import { eventSchemas, type EventName, type EventPayload } from '@olympus/contracts';
import { json, sql, type SystemDb } from '@olympus/database';
import type { TransactionContext } from '../kernel/context.ts';

export type Topic = 'orders' | 'products' | 'customers' | 'users' | 'notifications' | 'chat';

/** What an event is about: its topic, which is also the tag of the cached answers it makes stale, and its subject's id. */
export interface Subject {
  readonly topic: Topic;
  readonly id: string | null;
}

/** Writes an event into the outbox in the caller's transaction: both commit, or neither. */
export async function append<N extends EventName>(
  ctx: TransactionContext,
  subject: Subject,
  payload: EventPayload<N> & { type: N },
): Promise<void> {
  await appendAll(ctx, [{ subject, payload }]);
}

/** For transactions that cross tenants, as signing in does: what an event of this one is written with. */
export const inTenant = (
  db: SystemDb,
  tenantId: string,
  { clock, requestId }: Pick<TransactionContext, 'clock' | 'requestId'>,
): TransactionContext => ({ db: { ...db, tenantId }, clock, requestId, stale: new Set() });

/** An event to be written. */
export interface Entry {
  readonly subject: Subject;
  readonly payload: EventPayload;
}

/**
 * Writes several events, in their order, by one statement. The relay is woken after the commit: a NOTIFY inside would make
 * all committing transactions wait for each other.
 */
export async function appendAll(ctx: TransactionContext, entries: readonly Entry[]): Promise<void> {
  if (entries.length === 0) return;
  // One document: as an array of texts every quote in every payload would be escaped once more.
  const rows = entries.map(({ subject, payload }) => ({
    subject,
    version: eventSchemas[payload.type].version,
    payload,
  }));
  await ctx.db.rows(sql`
    insert into events (tenant_id, topic, type, version, subject_id, payload, request_id, created_at)
      select ${ctx.db.tenantId}::uuid, e.row #>> '{subject,topic}', e.row #>> '{payload,type}', (e.row ->> 'version')::int,
             (e.row #>> '{subject,id}')::uuid, e.row -> 'payload', ${ctx.requestId}, ${ctx.clock.now()}
      from jsonb_array_elements(${json(rows)}::text::jsonb) with ordinality as e (row, turn)
      order by e.turn`);
  for (const { subject } of entries) ctx.stale.add(subject.topic);
}
