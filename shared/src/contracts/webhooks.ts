import { z } from 'zod';
import { mutation, query } from '../contract.ts';
import { errors } from '../errors.ts';
import { overlapSeconds } from '../models/access.ts';
import { expectedVersion, Id, pageInput, pageOf, sortOf } from '../models/common.ts';
import {
  IssuedWebhook,
  newWebhook,
  Webhook,
  webhookChanges,
  WebhookDelivery,
  WebhookDeliveryState,
} from '../models/webhook.ts';

const { WEBHOOK_DELIVERY_NOT_FOUND, WEBHOOK_INACTIVE, WEBHOOK_LIMIT, WEBHOOK_NOT_FOUND } = errors;
/** Events tell of orders at all locations. */
const managed = { access: 'webhooks:manage', everyLocation: true } as const;

export const webhooks = {
  list: query({
    summary: 'List the endpoints of partners, without their secrets',
    operationId: 'listWebhooks',
    rest: 'GET /webhooks',
    ...managed,
    input: z.strictObject({ ...pageInput, sort: sortOf(['createdAt'], '-createdAt') }),
    output: pageOf(Webhook, 'WebhookPage'),
  }),
  get: query({
    summary: 'Get an endpoint of a partner, without its secret',
    operationId: 'getWebhook',
    rest: 'GET /webhooks/{id}',
    ...managed,
    input: z.strictObject({ id: Id }),
    output: Webhook,
    errors: { WEBHOOK_NOT_FOUND },
  }),
  create: mutation({
    summary: 'Send events to a partner; the answer is the only one that holds the secret',
    operationId: 'createWebhook',
    rest: 'POST /webhooks',
    status: 201,
    ...managed,
    // A kept answer would keep the secret.
    idempotent: false,
    input: z.strictObject(newWebhook),
    output: IssuedWebhook,
    errors: { WEBHOOK_LIMIT },
  }),
  update: mutation({
    summary: 'Change where events go and which; switching an endpoint on again forgets why it was off',
    operationId: 'updateWebhook',
    rest: 'PATCH /webhooks/{id}',
    ...managed,
    input: z.strictObject({ id: Id, ...webhookChanges, expectedVersion }),
    output: Webhook,
    errors: { WEBHOOK_NOT_FOUND },
  }),
  delete: mutation({
    summary: 'Remove an endpoint, with what was on its way there',
    operationId: 'deleteWebhook',
    rest: 'DELETE /webhooks/{id}',
    status: 204,
    ...managed,
    input: z.strictObject({ id: Id }),
    output: z.null(),
    errors: { WEBHOOK_NOT_FOUND },
  }),
  rotateSecret: mutation({
    summary: 'Give an endpoint a new secret; the one so far signs too for a while',
    operationId: 'rotateWebhookSecret',
    rest: 'POST /webhooks/{id}/rotate-secret',
    ...managed,
    idempotent: false,
    input: z.strictObject({ id: Id, overlapSeconds }),
    output: IssuedWebhook,
    errors: { WEBHOOK_NOT_FOUND },
  }),
  test: mutation({
    summary: 'Send an event of the type `test` to an endpoint',
    operationId: 'testWebhook',
    rest: 'POST /webhooks/{id}/test',
    ...managed,
    input: z.strictObject({ id: Id }),
    output: WebhookDelivery,
    errors: { WEBHOOK_NOT_FOUND, WEBHOOK_INACTIVE },
  }),
  deliveries: query({
    summary: 'List what was sent to partners in the last 30 days, with every attempt',
    operationId: 'listWebhookDeliveries',
    rest: 'GET /webhooks/deliveries',
    ...managed,
    input: z.strictObject({
      webhookId: Id.optional(),
      ...pageInput,
      sort: sortOf(['createdAt'], '-createdAt'),
      state: WebhookDeliveryState.optional(),
    }),
    output: pageOf(WebhookDelivery, 'WebhookDeliveryPage'),
    errors: { WEBHOOK_NOT_FOUND },
  }),
  resend: mutation({
    summary: 'Send an event again, by the same message id',
    operationId: 'resendWebhookDelivery',
    rest: 'POST /webhooks/deliveries/{id}/resend',
    ...managed,
    input: z.strictObject({ id: Id }),
    output: WebhookDelivery,
    errors: { WEBHOOK_DELIVERY_NOT_FOUND, WEBHOOK_INACTIVE },
  }),
};
