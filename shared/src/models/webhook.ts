import { z } from 'zod';
import { Id, stamps } from './common.ts';
import { EventType } from './dead-letter.ts';

const url = z
  .string()
  .max(2000)
  .refine((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol), 'must be an https: address')
  .refine(
    (text) => !URL.canParse(text) || (!new URL(text).username && !new URL(text).password),
    'must hold no password',
  )
  .meta({ description: 'Where events are posted to', examples: ['https://partner.example/olympus'] });
/** What concerns one user alone is not for partners. */
export const WebhookEventType = EventType.exclude(['notifications.created', 'notifications.read']).meta({
  id: 'WebhookEventType',
  examples: ['order.created'],
});
export type WebhookEventType = z.output<typeof WebhookEventType>;

const types = z
  .array(WebhookEventType)
  .min(1)
  .max(20)
  .meta({ description: 'The events that are sent', examples: [['order.created']] });
const active = z.boolean().meta({ description: 'Whether events are sent' });

export const newWebhook = { url, types, active: active.default(true) };
export const webhookChanges = { url: url.optional(), types: types.optional(), active: active.optional() };

/** Where a partner is told of events. */
export const Webhook = z
  .object({
    id: Id,
    url: z.string(),
    types: z.array(z.string()),
    active,
    disabledReason: z
      .string()
      .nullable()
      .meta({ description: '`gone`: it answered 410. `failing`: it failed for three days', examples: ['gone'] }),
    failingSince: z.date().nullable().meta({ description: 'The first failure since the last success' }),
    rotatedUntil: z.date().nullable().meta({ description: 'Until when the secret before signs too' }),
    createdBy: Id,
    ...stamps,
  })
  .meta({ id: 'Webhook' });
export type Webhook = z.output<typeof Webhook>;

export const IssuedWebhook = z
  .object({
    webhook: Webhook,
    secret: z
      .string()
      .meta({ description: 'What signs its events. It is shown this once', examples: ['whsec_MfKQ9r8'] }),
  })
  .meta({ id: 'IssuedWebhook' });

export const WebhookDeliveryState = z.enum(['pending', 'delivered', 'failed']).meta({ id: 'WebhookDeliveryState' });

export const WebhookAttempt = z
  .object({
    at: z.date(),
    status: z
      .int()
      .nullable()
      .meta({ description: 'Of the answer; null where there was none', examples: [204] }),
    error: z.string().nullable(),
    milliseconds: z.int(),
  })
  .meta({ id: 'WebhookAttempt' });
export type WebhookAttempt = z.output<typeof WebhookAttempt>;

export const WebhookDelivery = z
  .object({
    id: Id,
    webhookId: Id,
    messageId: z.string().meta({ description: 'The header `webhook-id`, the same at every attempt' }),
    type: z.string().meta({ examples: ['order.created'] }),
    state: WebhookDeliveryState,
    nextAttemptAt: z.date().nullable(),
    attempts: z.array(WebhookAttempt),
    occurredAt: z.date(),
    createdAt: z.date(),
  })
  .meta({ id: 'WebhookDelivery' });
export type WebhookDelivery = z.output<typeof WebhookDelivery>;
