import { eventSchemas, type EventName, type EventPayload } from '@olympus/contracts';
import { sql } from '@olympus/database';
import type { TransactionContext } from '../kernel/context.ts';

/** Wakes the relay of every replica; the payload is empty, the table tells the rest. */
export const outboxChannel = 'olympus_outbox';

/** What an event is about: its topic, which is also the tag of the cached answers it makes stale, and its subject's id. */
export interface Subject {
  readonly topic: 'orders' | 'products';
  readonly id: string | null;
}

/** Writes an event into the outbox in the caller's transaction: both commit, or neither. */
export async function append<N extends EventName>(
  ctx: TransactionContext,
  subject: Subject,
  payload: EventPayload<N> & { type: N },
): Promise<void> {
  const { version } = eventSchemas[payload.type];
  await ctx.db.rows(sql`
    insert into events (tenant_id, topic, type, version, subject_id, payload, request_id, created_at)
    values (${ctx.db.tenantId}::uuid, ${subject.topic}, ${payload.type}, ${version}, ${subject.id}::uuid,
            ${JSON.stringify(payload)}::text::jsonb, ${ctx.requestId}, ${ctx.clock.now()})`);
  await ctx.db.rows(sql`select pg_notify(${outboxChannel}, '')`);
  ctx.stale.add(subject.topic);
}
