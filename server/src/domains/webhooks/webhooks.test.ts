import { sql } from '@olympus/database';
import { createHmac, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { offsetOf } from '../../events/consumers/testing.ts';
import { until } from '../../events/testing/installation.ts';
import { randomIds } from '../../platform/ids.ts';
import { databases } from '../orders/testing.ts';
import { startReceiver, startWebhooks, type Received, type Receiver, type WebhooksKernel } from './testing.ts';

const hourMs = 3_600_000;

/** As a partner checks it who has read https://www.standardwebhooks.com. */
function verifies({ headers, body }: Received, secret: string): boolean {
  const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`;
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  const expected = `v1,${createHmac('sha256', key).update(signed).digest('base64')}`;
  return String(headers['webhook-signature']).split(' ').includes(expected);
}

describe.each(databases(process.env['TEST_DATABASE_URL']))('webhooks on %s', (_, url) => {
  let olympus: WebhooksKernel;
  let partner: Receiver;
  beforeAll(async () => {
    [olympus, partner] = await Promise.all([startWebhooks(url), startReceiver()]);
  }, 60_000);
  afterAll(async () => {
    await olympus.close();
    await partner.close();
  });
  const path = () => `/${randomUUID()}`;

  it('post what an endpoint asked for, signed, and nothing else', async () => {
    const [desk, other, hook] = [await olympus.open(), await olympus.open(), path()];
    const { webhook, secret } = await desk.create(partner.url + hook);
    expect(secret).toMatch(/^whsec_[\w+/]{43}=$/);
    const quiet = path();
    await desk.create(partner.url + quiet, { types: ['product.created'] });
    await desk.sell('one');
    await other.sell('not theirs');
    await until(() => partner.at(hook).length > 0);
    const [first] = partner.at(hook);
    expect(first && verifies(first, secret)).toBe(true);
    expect(first && verifies({ ...first, body: `${first.body} ` }, secret)).toBe(false);
    expect(JSON.parse(first?.body ?? '')).toMatchObject({ type: 'order.created', data: { order: { notes: 'one' } } });
    expect(Math.abs(Number(first?.headers['webhook-timestamp']) - Date.now() / 1000)).toBeLessThan(60);
    await until(async () => (await desk.deliveries(webhook.id, { state: 'delivered' })).length === 1);
    const [delivery] = await desk.deliveries(webhook.id);
    expect(delivery).toMatchObject({
      messageId: first?.headers['webhook-id'],
      attempts: [{ status: 204, error: null }],
      nextAttemptAt: null,
    });
    expect([partner.at(hook).length, partner.at(quiet).length]).toEqual([1, 0]);
  });

  it('sign with both secrets while they rotate, and with the new one alone afterwards', async () => {
    const [desk, hook] = [await olympus.open(), path()];
    const { webhook, secret: before } = await desk.create(partner.url + hook);
    const { id } = webhook;
    const { secret: after } = await desk.call<{ secret: string }>('webhooks.rotateSecret', {
      id,
      overlapSeconds: 3600,
    });
    await desk.call('webhooks.test', { id });
    await until(() => partner.at(hook).length === 1);
    const [during] = partner.at(hook);
    expect([before, after].map((secret) => during && verifies(during, secret))).toEqual([true, true]);
    expect(JSON.parse(during?.body ?? '')).toMatchObject({ type: 'test', data: { webhookId: id } });
    olympus.clock.advance(2 * hourMs);
    await desk.call('webhooks.test', { id });
    await until(() => partner.at(hook).length === 2);
    const [, later] = partner.at(hook);
    expect([before, after].map((secret) => later && verifies(later, secret))).toEqual([false, true]);
  });

  it('wait as long as a partner asks who is asked too much', async () => {
    const [desk, hook] = [await olympus.open(), path()];
    const { webhook } = await desk.create(partner.url + hook);
    partner.answers.set(hook, { status: 429, retryAfter: '7200' });
    await desk.sell('slowly');
    const current = async () => (await desk.deliveries(webhook.id))[0];
    await until(async () => (await current())?.attempts.length === 1);
    const wait = ((await current())?.nextAttemptAt?.getTime() ?? 0) - olympus.clock.now().getTime();
    expect(Math.abs(wait - 2 * hourMs)).toBeLessThan(30_000);
  });

  it('try again by the same id, longer and longer, and give up after three days', async () => {
    const [desk, hook] = [await olympus.open(), path()];
    const { webhook, secret } = await desk.create(partner.url + hook);
    partner.answers.set(hook, 503);
    await desk.sell('again');
    const waits: number[] = [];
    const current = async () => (await desk.deliveries(webhook.id))[0];
    for (let tries = 1; tries < 10; tries++) {
      await until(async () => (await current())?.attempts.length === tries);
      const { nextAttemptAt } = (await current()) ?? {};
      const wait = (nextAttemptAt?.getTime() ?? 0) - olympus.clock.now().getTime();
      waits.push(wait);
      olympus.clock.advance(wait + 1000);
    }
    expect(waits.every((wait, n) => n === 0 || wait > (waits[n - 1] ?? 0))).toBe(true);
    const total = waits.reduce((sum, wait) => sum + wait, 0) / hourMs;
    expect(total).toBeGreaterThan(71);
    expect(total).toBeLessThan(80);
    await until(async () => (await current())?.state === 'failed');
    expect((await current())?.attempts).toHaveLength(10);
    expect((await current())?.attempts[0]).toMatchObject({ status: 503, error: 'answered 503' });
    expect(new Set(partner.at(hook).map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(partner.at(hook).every((one) => verifies(one, secret))).toBe(true);
    // Nothing came through for three days.
    expect(await desk.call('webhooks.get', { id: webhook.id })).toMatchObject({
      active: false,
      disabledReason: 'failing',
    });
  }, 60_000);

  it('switch an endpoint off that is gone, tell so, and send to it again when told', async () => {
    const [desk, hook] = [await olympus.open(), path()];
    const { webhook } = await desk.create(partner.url + hook);
    const { id } = webhook;
    partner.answers.set(hook, 410);
    await desk.sell('gone');
    await until(async () => !(await desk.call<{ active: boolean }>('webhooks.get', { id })).active);
    expect(await desk.call('webhooks.get', { id })).toMatchObject({ disabledReason: 'gone' });
    const [delivery] = await desk.deliveries(id);
    expect(delivery).toMatchObject({ state: 'failed', attempts: [{ status: 410 }] });
    const entries = await olympus.database.tenant(desk.tenantId).rows(sql`
      select input, after from audit_entries
      where tenant_id = ${desk.tenantId}::uuid and procedure = 'webhooks.disable'`);
    expect(entries).toEqual([{ input: { id }, after: { active: false, reason: 'gone', url: partner.url + hook } }]);
    expect(olympus.lines.some((line) => line.includes('was switched off') && line.includes(id))).toBe(true);
    const refused = { code: 'WEBHOOK_INACTIVE', data: { id } };
    expect(await desk.refusal('webhooks.test', { id })).toEqual(refused);
    expect(await desk.refusal('webhooks.resend', { id: delivery?.id })).toEqual(refused);
    await desk.sell('unheard');
    await until(async () => (await offsetOf(olympus.database, desk.tenantId, 'webhooks')) === 2);

    partner.answers.delete(hook);
    expect(await desk.call('webhooks.update', { id, active: true })).toMatchObject({ disabledReason: null });
    await desk.call('webhooks.resend', { id: delivery?.id });
    await until(() => partner.at(hook).length === 2);
    const [first, second] = partner.at(hook);
    expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
    await until(async () => (await desk.deliveries(id, { state: 'delivered' })).length === 1);
  });

  it('reach other endpoints while one is slow', async () => {
    const [desk, slow, quick] = [await olympus.open(), path(), path()];
    const { webhook } = await desk.create(partner.url + slow);
    await desk.create(partner.url + quick);
    partner.answers.set(slow, 'never');
    const since = performance.now();
    for (let n = 0; n < 12; n++) await desk.sell(String(n));
    await until(() => partner.at(quick).length === 12, 6000);
    // Four at once, each of which takes 1,500 ms to be given up.
    expect(partner.at(slow).length).toBeLessThanOrEqual(4 * Math.ceil((performance.now() - since) / 1500));
    await until(async () => (await desk.deliveries(webhook.id)).some(({ attempts }) => attempts.length > 0));
    const tried = (await desk.deliveries(webhook.id)).find(({ attempts }) => attempts.length > 0);
    expect(tried?.attempts[0]).toMatchObject({ status: null, error: 'Error: no answer within 1500 ms' });
  });

  it('let an endpoint be changed and removed, with what was on its way', async () => {
    const [desk, hook] = [await olympus.open(), path()];
    const { webhook } = await desk.create(partner.url + hook, { active: false });
    const { id } = webhook;
    await desk.sell('before');
    const change = { id, types: ['order.updated'], active: true, expectedVersion: 9 };
    expect(await desk.refusal('webhooks.update', change)).toMatchObject({ code: 'VERSION_CONFLICT' });
    expect(await desk.call('webhooks.update', { ...change, expectedVersion: 1 })).toMatchObject({ version: 2 });
    expect(await desk.call('webhooks.list')).toMatchObject({ items: [{ id, types: ['order.updated'] }] });
    await desk.call('webhooks.delete', { id });
    expect(await desk.refusal('webhooks.get', { id })).toMatchObject({ code: 'WEBHOOK_NOT_FOUND' });
    expect(await desk.refusal('webhooks.deliveries', { webhookId: id })).toMatchObject({ code: 'WEBHOOK_NOT_FOUND' });
    expect(partner.at(hook)).toEqual([]);
  });

  it('are kept to a tenant, and to so many', async () => {
    const [desk, other] = [await olympus.open(), await olympus.open()];
    const { webhook } = await desk.create(`${partner.url}/x`);
    const { id } = webhook;
    for (const verb of ['get', 'update', 'delete', 'rotateSecret', 'test'])
      expect(await other.refusal(`webhooks.${verb}`, { id, ...(verb === 'update' ? { active: false } : {}) })).toEqual({
        code: 'WEBHOOK_NOT_FOUND',
        data: { id },
      });
    const missing = randomIds.next();
    expect(await desk.refusal('webhooks.resend', { id: missing })).toMatchObject({
      code: 'WEBHOOK_DELIVERY_NOT_FOUND',
    });
    await olympus.database.transaction(desk.tenantId, (db) =>
      db.rows(sql`
        insert into webhook_endpoints (tenant_id, id, url, types, active, secret, created_by, created_at, updated_at)
        select tenant_id, gen_random_uuid(), url, types, false, secret, created_by, created_at, updated_at
        from webhook_endpoints, generate_series(2, 250) where tenant_id = ${desk.tenantId}::uuid`),
    );
    expect(await desk.refusal('webhooks.create', { url: 'https://shop.test', types: ['order.created'] })).toEqual({
      code: 'WEBHOOK_LIMIT',
      data: { limit: 250 },
    });
  }, 60_000);

  it('keep secrets out of the log, the audit log and every later answer', async () => {
    const [desk, hook] = [await olympus.open(), path()];
    const { webhook, secret } = await desk.create(partner.url + hook);
    const { id } = webhook;
    const { secret: rotated } = await desk.call<{ secret: string }>('webhooks.rotateSecret', { id });
    await desk.call('webhooks.test', { id });
    await until(() => partner.at(hook).length === 1);
    const stored = await olympus.database.tenant(desk.tenantId).rows<{ text: string }>(sql`
      select coalesce(json_agg(t)::text, '') as text from (
        select to_jsonb(e) from webhook_endpoints e where tenant_id = ${desk.tenantId}::uuid
        union all select to_jsonb(d) from webhook_deliveries d where tenant_id = ${desk.tenantId}::uuid
        union all select to_jsonb(a) from audit_entries a where tenant_id = ${desk.tenantId}::uuid) t (t)`);
    const shown = [await desk.call('webhooks.get', { id }), await desk.deliveries(id)];
    const everything = JSON.stringify([stored, shown, olympus.lines]);
    expect(everything).toContain('webhooks.rotateSecret');
    for (const one of [secret, rotated]) expect(everything).not.toContain(one.slice('whsec_'.length));
  });
});

describe('webhooks where nothing may go to this machine', () => {
  let olympus: WebhooksKernel;
  let partner: Receiver;
  beforeAll(async () => {
    [olympus, partner] = await Promise.all([startWebhooks(undefined, { allowLoopback: false }), startReceiver()]);
  }, 60_000);
  afterAll(async () => {
    await olympus.close();
    await partner.close();
  });

  it('take no endpoint that says so by itself', async () => {
    const desk = await olympus.open();
    for (const url of [
      'http://127.0.0.1/',
      'http://[::1]:80/',
      'http://169.254.169.254/',
      'https://10.1.2.3/',
      'http://0x7f000001/',
    ])
      expect(await desk.refusal('webhooks.create', { url, types: ['order.created'] }), url).toMatchObject({
        code: 'INVALID_INPUT',
        data: { issues: [{ field: 'url', message: 'must not lead into a private network' }] },
      });
    const { webhook } = await desk.create('https://shop.test/');
    expect(await desk.refusal('webhooks.update', { id: webhook.id, url: 'http://127.1/' })).toMatchObject({
      code: 'INVALID_INPUT',
    });
    expect(await desk.refusal('webhooks.create', { url: 'ftp://shop.test', types: ['order.created'] })).toMatchObject({
      data: { issues: [{ field: 'url' }] },
    });
  });

  it('send nothing where a name leads here', async () => {
    const desk = await olympus.open();
    const { webhook } = await desk.create(`http://localhost:${new URL(partner.url).port}/hook`);
    await desk.sell('here');
    await until(async () => ((await desk.deliveries(webhook.id))[0]?.attempts.length ?? 0) > 0);
    expect((await desk.deliveries(webhook.id))[0]).toMatchObject({
      state: 'pending',
      attempts: [{ status: null, error: 'AddressRefused: leads into a private network' }],
    });
    expect(partner.received).toEqual([]);
  });
});
