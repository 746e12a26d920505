import { eventSchemas, type EventName, type EventPayload } from '@olympus/contracts';
import { array, sql } from '@olympus/database';
import type { TransactionContext } from '../kernel/context.ts';

export type Topic = 'orders' | 'products';

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
  const topics = array(entries.map(({ subject }) => subject.topic));
  const types = array(entries.map(({ payload }) => payload.type));
  const versions = array(entries.map(({ payload }) => eventSchemas[payload.type].version));
  const subjects = array(entries.map(({ subject }) => subject.id));
  const payloads = array(entries.map(({ payload }) => JSON.stringify(payload)));
  await ctx.db.rows(sql`
    insert into events (tenant_id, topic, type, version, subject_id, payload, request_id, created_at)
      select ${ctx.db.tenantId}::uuid, e.topic, e.type, e.version, e.subject_id, e.payload::jsonb,
             ${ctx.requestId}, ${ctx.clock.now()}
      from unnest(${topics}::text[], ${types}::text[], ${versions}::int[], ${subjects}::uuid[], ${payloads}::text[])
        with ordinality as e (topic, type, version, subject_id, payload, turn)
      order by e.turn`);
  for (const { subject } of entries) ctx.stale.add(subject.topic);
}
