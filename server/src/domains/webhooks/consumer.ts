import { WebhookEventType } from '@olympus/contracts';
import { array, json, sql, type Database } from '@olympus/database';
import type { Consumer } from '../../events/consumers/consumer.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Ids } from '../../platform/ids.ts';
import { keptMs } from './schedule.ts';

export interface FanOut {
  readonly database: Database;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly wake: () => void;
}

/** Puts each event on its way to the endpoints that want it; the sender does the rest. */
export const webhooksConsumer = ({ database, clock, ids, wake }: FanOut): Consumer => ({
  name: 'webhooks',
  types: WebhookEventType.options,
  async handle(event, { once, replayId }) {
    const { tenantId, type, occurredAt, payload } = event;
    // A new endpoint is told of what happens from now on; of the past only when it is replayed.
    const since = replayId === null ? sql`created_at <= ${occurredAt}` : sql`true`;
    const endpoints = await database.tenant(tenantId).rows<{ id: string }>(sql`
      select id from webhook_endpoints
      where tenant_id = ${tenantId}::uuid and active and ${type} = any(types) and ${since}`);
    // Most tenants have none, and their events need no row that says so.
    if (endpoints.length === 0) return;
    const now = clock.now();
    await once(async (db) => {
      await db.rows(sql`
        insert into webhook_deliveries
          (tenant_id, id, endpoint_id, message_id, type, payload, occurred_at, state, due_at, attempt_count, attempts,
           created_at, expires_at)
        select ${tenantId}::uuid, t.id, e.id, ${event.id}, ${type}, ${json(payload)}::text::jsonb, ${occurredAt}, 'pending', ${now},
               0, '[]', ${now}, ${new Date(now.getTime() + keptMs)}
        from unnest(${array(endpoints.map(({ id }) => id))}::uuid[], ${array(endpoints.map(() => ids.next()))}::uuid[]) t (endpoint, id)
        join webhook_endpoints e on e.tenant_id = ${tenantId}::uuid and e.id = t.endpoint and e.active
        on conflict (tenant_id, endpoint_id, message_id)
          do update set state = 'pending', due_at = excluded.due_at, attempt_count = 0`);
    });
    wake();
  },
});
