import type { contracts, ParsedInputOf, Webhook, WebhookAttempt, WebhookDelivery } from '@olympus/contracts';
import { array, json, sql, type Db } from '@olympus/database';
import type { List } from '../paging.ts';
import { keptMs } from './schedule.ts';

const columns = sql`
  w.id, w.url, w.types, w.active, w.disabled_reason as "disabledReason", w.failing_since as "failingSince",
  w.previous_until as "rotatedUntil", w.created_by as "createdBy", w.created_at as "createdAt",
  w.updated_at as "updatedAt", w.version`;
const ofId = (db: Db, id: string) => sql`w.tenant_id = ${db.tenantId}::uuid and w.id = ${id}::uuid`;

export const webhookList = (db: Db): List<Webhook, Webhook> => ({
  name: 'webhooks',
  select: columns,
  from: sql`from webhook_endpoints w`,
  where: [sql`w.tenant_id = ${db.tenantId}::uuid`],
  id: sql`w.id`,
  sortable: { createdAt: { column: sql`w.created_at`, type: 'timestamptz' } },
  item: (webhook) => webhook,
});

export async function findWebhook(db: Db, id: string): Promise<Webhook | undefined> {
  const [row] = await db.rows<Webhook>(sql`select ${columns} from webhook_endpoints w where ${ofId(db, id)}`);
  return row;
}

/** Locked until the transaction ends. */
export async function holdWebhook(db: Db, id: string): Promise<Webhook | undefined> {
  const [row] = await db.rows<Webhook>(sql`
    select ${columns} from webhook_endpoints w where ${ofId(db, id)} for no key update`);
  return row;
}

export async function countWebhooks(db: Db): Promise<number> {
  const [row] = await db.rows<{ count: number }>(sql`
    select count(*)::int as count from webhook_endpoints where tenant_id = ${db.tenantId}::uuid`);
  return row?.count ?? 0;
}

export interface NewWebhook {
  readonly id: string;
  readonly url: string;
  readonly types: readonly string[];
  readonly active: boolean;
  readonly sealed: string;
  readonly createdBy: string;
}

export async function insertWebhook(db: Db, webhook: NewWebhook, now: Date): Promise<Webhook> {
  const [row] = await db.rows<Webhook>(sql`
    insert into webhook_endpoints as w (tenant_id, id, url, types, active, secret, created_by, created_at, updated_at)
    values (${db.tenantId}::uuid, ${webhook.id}::uuid, ${webhook.url}, ${array(webhook.types)}::text[], ${webhook.active},
            ${webhook.sealed}, ${webhook.createdBy}::uuid, ${now}, ${now})
    returning ${columns}`);
  if (!row) throw new Error('an inserted endpoint was not returned');
  return row;
}

export interface WebhookChanges {
  readonly url?: string | undefined;
  readonly types?: readonly string[] | undefined;
  readonly active?: boolean | undefined;
  readonly now: Date;
}

/** What is undefined stays as it is. Switching on forgets why it was off. */
export async function updateWebhook(db: Db, id: string, changes: WebhookChanges): Promise<Webhook | undefined> {
  const { url, types, active, now } = changes;
  const [row] = await db.rows<Webhook>(sql`
    update webhook_endpoints w
    set url = coalesce(${url ?? null}, w.url), types = coalesce(${types ? array(types) : null}::text[], w.types),
        active = coalesce(${active ?? null}::boolean, w.active),
        disabled_reason = ${active === undefined ? sql`w.disabled_reason` : sql`null`},
        failing_since = ${active === undefined ? sql`w.failing_since` : sql`null`},
        updated_at = ${now}, version = w.version + 1
    where ${ofId(db, id)} returning ${columns}`);
  return row;
}

export async function replaceSecret(
  db: Db,
  id: string,
  { sealed, until, now }: { sealed: string; until: Date | null; now: Date },
): Promise<Webhook | undefined> {
  const [row] = await db.rows<Webhook>(sql`
    update webhook_endpoints w
    set previous_secret = ${until ? sql`w.secret` : sql`null`}, previous_until = ${until}::timestamptz, secret = ${sealed},
        updated_at = ${now}, version = w.version + 1
    where ${ofId(db, id)} returning ${columns}`);
  return row;
}

export async function deleteWebhook(db: Db, id: string): Promise<boolean> {
  const rows = await db.rows(sql`delete from webhook_endpoints w where ${ofId(db, id)} returning 1 as gone`);
  return rows.length > 0;
}

type DeliveryRow = Omit<WebhookDelivery, 'attempts'> & { attempts: (Omit<WebhookAttempt, 'at'> & { at: string })[] };

const deliveryColumns = sql`
  d.id, d.endpoint_id as "webhookId", d.message_id as "messageId", d.type, d.state,
  case when d.state = 'pending' then d.due_at end as "nextAttemptAt", d.attempts, d.occurred_at as "occurredAt",
  d.created_at as "createdAt"`;
const toDelivery = ({ attempts, ...row }: DeliveryRow): WebhookDelivery => ({
  ...row,
  attempts: attempts.map((attempt) => ({ ...attempt, at: new Date(attempt.at) })),
});

type Filters = ParsedInputOf<typeof contracts.webhooks.deliveries.def>;

export const deliveryList = (db: Db, { webhookId, state }: Filters): List<DeliveryRow, WebhookDelivery> => ({
  name: 'webhookDeliveries',
  select: deliveryColumns,
  from: sql`from webhook_deliveries d`,
  where: [
    sql`d.tenant_id = ${db.tenantId}::uuid`,
    webhookId === undefined ? undefined : sql`d.endpoint_id = ${webhookId}::uuid`,
    state === undefined ? undefined : sql`d.state = ${state}`,
  ],
  id: sql`d.id`,
  sortable: { createdAt: { column: sql`d.created_at`, type: 'timestamptz' } },
  item: toDelivery,
});

export interface TestMessage {
  readonly id: string;
  readonly webhookId: string;
  readonly messageId: string;
  readonly payload: object;
}

export async function insertTest(db: Db, { id, webhookId, messageId, payload }: TestMessage, now: Date) {
  const [row] = await db.rows<DeliveryRow>(sql`
    insert into webhook_deliveries as d
      (tenant_id, id, endpoint_id, message_id, type, payload, occurred_at, state, due_at, attempt_count, attempts, created_at,
       expires_at)
    values (${db.tenantId}::uuid, ${id}::uuid, ${webhookId}::uuid, ${messageId}, 'test', ${json(payload)}::text::jsonb, ${now},
            'pending', ${now}, 0, '[]', ${now}, ${new Date(now.getTime() + keptMs)})
    returning ${deliveryColumns}`);
  if (!row) throw new Error('an inserted delivery was not returned');
  return toDelivery(row);
}

/** Where a delivery goes, and whether anything is sent there. */
export async function findTarget(db: Db, id: string): Promise<{ webhookId: string; active: boolean } | undefined> {
  const [row] = await db.rows<{ webhookId: string; active: boolean }>(sql`
    select w.id as "webhookId", w.active from webhook_deliveries d
    join webhook_endpoints w on w.tenant_id = d.tenant_id and w.id = d.endpoint_id
    where d.tenant_id = ${db.tenantId}::uuid and d.id = ${id}::uuid`);
  return row;
}

/** Begins the attempts of a delivery anew. */
export async function resendDelivery(db: Db, id: string, now: Date): Promise<WebhookDelivery | undefined> {
  const [row] = await db.rows<DeliveryRow>(sql`
    update webhook_deliveries d set state = 'pending', due_at = ${now}, attempt_count = 0
    where d.tenant_id = ${db.tenantId}::uuid and d.id = ${id}::uuid returning ${deliveryColumns}`);
  return row && toDelivery(row);
}
