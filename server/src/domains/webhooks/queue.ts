import { array, json, sql, type Database, type InTransaction, type SystemDb } from '@olympus/database';
import { ownEntry } from '../../audit/entry.ts';
import { insertEntry } from '../../audit/rows.ts';
import type { Ids } from '../../platform/ids.ts';
import { claimMs, patienceMs } from './schedule.ts';

/** A delivery whose attempt is this process's to make. */
export interface Claimed {
  readonly tenantId: string;
  readonly id: string;
  readonly endpointId: string;
  readonly messageId: string;
  readonly type: string;
  readonly payload: unknown;
  readonly occurredAt: Date;
  /** This attempt included. */
  readonly attemptCount: number;
  readonly url: string;
  readonly secret: string;
  readonly previousSecret: string | null;
  readonly previousUntil: Date | null;
}

export interface Claim {
  readonly now: Date;
  readonly limit: number;
  readonly perEndpoint: number;
  /** How many attempts are under way, by endpoint. */
  readonly underWay: ReadonlyMap<string, number>;
}

/** Takes due deliveries, few of each endpoint: one that is slow leaves the others their places. */
export function claim({ systemDb }: Database, { now, limit, perEndpoint, underWay }: Claim): Promise<Claimed[]> {
  const busy = [...underWay].filter(([, count]) => count >= perEndpoint).map(([endpointId]) => endpointId);
  return systemDb.rows(sql`
    with due as (
      select d.tenant_id, d.id, d.endpoint_id, d.due_at from webhook_deliveries d
      join webhook_endpoints e on e.tenant_id = d.tenant_id and e.id = d.endpoint_id and e.active
      where d.state = 'pending' and d.due_at <= ${now} and not d.endpoint_id = any(${array(busy)}::uuid[])
      order by d.due_at limit 500),
    chosen as (
      select d.tenant_id, d.id from webhook_deliveries d
      join (select tenant_id, id, row_number() over (partition by endpoint_id order by due_at) as turn from due) t
        on t.tenant_id = d.tenant_id and t.id = d.id
      left join unnest(${array([...underWay.keys()])}::uuid[], ${array([...underWay.values()])}::int[]) u (endpoint, count)
        on u.endpoint = d.endpoint_id
      where t.turn + coalesce(u.count, 0) <= ${perEndpoint} and d.state = 'pending' and d.due_at <= ${now}
      limit ${limit} for update of d skip locked),
    claimed as (
      update webhook_deliveries d
      set due_at = ${new Date(now.getTime() + claimMs)}, attempt_count = attempt_count + 1
      from chosen c where d.tenant_id = c.tenant_id and d.id = c.id
      returning d.*)
    select c.tenant_id as "tenantId", c.id, c.endpoint_id as "endpointId", c.message_id as "messageId", c.type, c.payload,
           c.occurred_at as "occurredAt", c.attempt_count as "attemptCount", e.url, e.secret,
           e.previous_secret as "previousSecret", e.previous_until as "previousUntil"
    from claimed c join webhook_endpoints e on e.tenant_id = c.tenant_id and e.id = c.endpoint_id`);
}

export interface Result {
  readonly delivery: Claimed;
  readonly at: Date;
  readonly status: number | null;
  readonly error: string | null;
  readonly milliseconds: number;
  readonly delivered: boolean;
  /** null: it was the last. */
  readonly nextAttemptAt: Date | null;
  readonly now: Date;
}

/** Notes an attempt. Resolves to why the endpoint was switched off by it; null: it was not. */
export const note = (database: Database, ids: Ids, result: Result): Promise<'gone' | 'failing' | null> =>
  database.systemTransaction(async (db) => {
    const { delivery, delivered, nextAttemptAt, now } = result;
    const ofEndpoint = sql`tenant_id = ${delivery.tenantId}::uuid and id = ${delivery.endpointId}::uuid`;
    const failingSince = delivered ? sql`null` : sql`coalesce(failing_since, ${now}::timestamptz)`;
    const [endpoint] = await db.rows<{ active: boolean; failingSince: Date | null; url: string }>(sql`
      update webhook_endpoints set failing_since = ${failingSince} where ${ofEndpoint}
      returning active, failing_since as "failingSince", url`);
    // Removed meanwhile, with its deliveries.
    if (!endpoint) return null;
    const { at, status, error, milliseconds } = result;
    const state = delivered ? 'delivered' : nextAttemptAt && endpoint.active ? 'pending' : 'failed';
    await db.rows(sql`
      update webhook_deliveries
      set state = ${state}, due_at = ${state === 'pending' ? nextAttemptAt : null}::timestamptz,
          attempts = (case when jsonb_array_length(attempts) >= 50 then attempts - 0 else attempts end)
                     || ${json([{ at, status, error, milliseconds }])}::text::jsonb
      where tenant_id = ${delivery.tenantId}::uuid and id = ${delivery.id}::uuid`);
    const tired = endpoint.failingSince && now.getTime() - endpoint.failingSince.getTime() >= patienceMs;
    const reason = delivered ? null : status === 410 ? 'gone' : tired ? 'failing' : null;
    if (!reason || !endpoint.active) return null;
    await disable(db, { delivery, reason, now, auditId: ids.next(), url: endpoint.url });
    return reason;
  });

interface Disabling {
  readonly delivery: Claimed;
  readonly reason: 'gone' | 'failing';
  readonly now: Date;
  readonly auditId: string;
  readonly url: string;
}

async function disable(db: InTransaction<SystemDb>, { delivery, reason, now, auditId, url }: Disabling): Promise<void> {
  const { tenantId, endpointId } = delivery;
  await db.rows(sql`
    update webhook_endpoints
    set active = false, disabled_reason = ${reason}, updated_at = ${now}, version = version + 1
    where tenant_id = ${tenantId}::uuid and id = ${endpointId}::uuid`);
  await db.rows(sql`
    update webhook_deliveries set state = 'failed', due_at = null
    where tenant_id = ${tenantId}::uuid and endpoint_id = ${endpointId}::uuid and state = 'pending'`);
  const facts = { tenantId, id: auditId, createdAt: now, procedure: 'webhooks.disable' };
  insertEntry(db, ownEntry({ ...facts, input: { id: endpointId }, after: { active: false, reason, url } }));
}
