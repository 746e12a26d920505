import { contracts } from '@olympus/contracts';
import { implement, type Handlers } from '../../kernel/implement.ts';
import { invalidInput } from '../../kernel/steps/validate.ts';
import { AddressRefused, type Outbound } from '../../platform/outbound.ts';
import type { Secrets } from '../../platform/secrets.ts';
import type { Cursors } from '../cursors.ts';
import { page } from '../paging.ts';
import {
  countWebhooks,
  deleteWebhook,
  deliveryList,
  findTarget,
  findWebhook,
  holdWebhook,
  insertTest,
  insertWebhook,
  replaceSecret,
  resendDelivery,
  updateWebhook,
  webhookList,
} from './repository.ts';
import { newSecret, sealSecret } from './signing.ts';

export interface WebhooksDependencies {
  readonly cursors: Cursors;
  readonly secrets: Secrets;
  readonly outbound: Pick<Outbound, 'check'>;
}

const maxEndpoints = 250;

export const webhooks = ({ cursors, secrets, outbound }: WebhooksDependencies): Handlers<typeof contracts.webhooks> =>
  implement(contracts.webhooks, {
    list: ({ input, ctx: { db } }) => page(db, cursors, { input, list: webhookList(db) }),
    get: async ({ input: { id }, ctx: { db }, fail }) =>
      (await findWebhook(db, id)) ?? fail('WEBHOOK_NOT_FOUND', { id }),

    async create({ input: { url, types, active }, ctx: { db, ids, clock, principal }, fail }) {
      if ((await countWebhooks(db)) >= maxEndpoints) fail('WEBHOOK_LIMIT', { limit: maxEndpoints });
      const [id, secret] = [ids.next(), newSecret()];
      const sealed = sealSecret(secrets, secret, { tenantId: db.tenantId, endpointId: id });
      const asked = { id, url: checked(url, outbound), types: [...new Set(types)], active };
      const webhook = await insertWebhook(db, { ...asked, sealed, createdBy: principal.userId }, clock.now());
      return { webhook, secret };
    },

    async update({ input: { id, expectedVersion, url, types, active }, ctx, fail }) {
      const before = (await holdWebhook(ctx.db, id)) ?? fail('WEBHOOK_NOT_FOUND', { id });
      if (expectedVersion !== undefined && expectedVersion !== before.version)
        fail('VERSION_CONFLICT', { currentVersion: before.version });
      if (url === undefined && types === undefined && active === undefined) return before;
      const changes = {
        url: url === undefined ? undefined : checked(url, outbound),
        types: types && [...new Set(types)],
        active,
        now: ctx.clock.now(),
      };
      const after = (await updateWebhook(ctx.db, id, changes)) ?? fail('WEBHOOK_NOT_FOUND', { id });
      ctx.record({ before, after });
      return after;
    },

    delete: async ({ input: { id }, ctx, fail }) => {
      const before = (await findWebhook(ctx.db, id)) ?? fail('WEBHOOK_NOT_FOUND', { id });
      await deleteWebhook(ctx.db, id);
      ctx.record({ before });
      return null;
    },

    async rotateSecret({ input: { id, overlapSeconds }, ctx: { db, clock }, fail }) {
      const secret = newSecret();
      const sealed = sealSecret(secrets, secret, { tenantId: db.tenantId, endpointId: id });
      const now = clock.now();
      const until = overlapSeconds === 0 ? null : new Date(now.getTime() + overlapSeconds * 1000);
      const webhook = (await replaceSecret(db, id, { sealed, until, now })) ?? fail('WEBHOOK_NOT_FOUND', { id });
      return { webhook, secret };
    },

    async test({ input: { id }, ctx: { db, ids, clock }, fail }) {
      const webhook = (await findWebhook(db, id)) ?? fail('WEBHOOK_NOT_FOUND', { id });
      if (!webhook.active) fail('WEBHOOK_INACTIVE', { id });
      const delivery = ids.next();
      const message = { id: delivery, webhookId: id, messageId: `test_${delivery}`, payload: { webhookId: id } };
      return insertTest(db, message, clock.now());
    },

    async deliveries({ input, ctx: { db }, fail }) {
      const { webhookId: id } = input;
      if (id !== undefined && !(await findWebhook(db, id))) fail('WEBHOOK_NOT_FOUND', { id });
      return page(db, cursors, { input, list: deliveryList(db, input) });
    },

    async resend({ input: { id }, ctx: { db, clock }, fail }) {
      const target = (await findTarget(db, id)) ?? fail('WEBHOOK_DELIVERY_NOT_FOUND', { id });
      if (!target.active) fail('WEBHOOK_INACTIVE', { id: target.webhookId });
      return (await resendDelivery(db, id, clock.now())) ?? fail('WEBHOOK_DELIVERY_NOT_FOUND', { id });
    },
  });

/** The address in its usual form. Names are resolved when something is sent: what they say now may not hold then. */
function checked(url: string, outbound: Pick<Outbound, 'check'>): string {
  try {
    return outbound.check(url).href;
  } catch (error) {
    if (!(error instanceof AddressRefused)) throw error;
    throw invalidInput([{ field: 'url', message: error.message, code: 'invalid_value', nearest: null }]);
  }
}
