import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rest, startOlympus, type Olympus, type Session } from '../harness.ts';
import { bridge } from './bridged.ts';
import { amqpUrl, answers, kafkaBrokers, natsUrl, type BrokerDriver, type Received } from './driver.ts';
import { openKafka } from './kafka.ts';
import { openNats } from './nats.ts';
import { openRabbitMq } from './rabbitmq.ts';

const brokers = [
  ['RabbitMQ', openRabbitMq, await answers('RabbitMQ', amqpUrl, 'TEST_AMQP_URL')],
  ['NATS JetStream', openNats, await answers('NATS', natsUrl, 'TEST_NATS_URL')],
  ['Kafka', openKafka, kafkaBrokers.length > 0],
] as const;
if (kafkaBrokers.length === 0) console.warn('TEST_KAFKA_BROKERS names no broker: the tests of Kafka are skipped');

let olympus: Olympus;
beforeAll(async () => {
  olympus = await startOlympus();
});
afterAll(() => olympus.close());

interface Order {
  readonly id: string;
  readonly status: string;
  readonly version: number;
}

async function openShop() {
  const session: Session = await olympus.tenant();
  const token = session.accessToken;
  const call = async <T>(method: string, path: string, body?: object, as = token): Promise<T> => {
    const answer = await rest<T>(olympus.url, { method, path, body, token: as });
    if (answer.status >= 300) throw new Error(`${method} ${path} answered ${answer.status}`);
    return answer.body;
  };
  const { tenant } = await call<{ tenant: { id: string } }>('GET', '/auth/me');
  const product = await call<{ id: string }>('POST', '/products', {
    sku: 'TEA',
    name: 'Tea',
    price: { amount: '4.95', currency: 'GBP' },
    stock: 1000,
  });
  return {
    tenantId: tenant.id,
    sell: () => call<Order>('POST', '/orders', { items: [{ productId: product.id, quantity: 1 }] }),
    order: (id: string) => call<Order>('GET', `/orders/${id}`),
    setStatus: (id: string, status: string) => call<Order>('PATCH', `/orders/${id}/status`, { status }),
    key: async (...scopes: string[]) =>
      (await call<{ secret: string }>('POST', '/api-keys', { name: 'bridge', scopes })).secret,
  };
}

describe.each(brokers.filter(([, , found]) => found))('a bridge to %s', (_, open) => {
  let broker: BrokerDriver;
  let shop: Awaited<ReturnType<typeof openShop>>;
  let bridged: ReturnType<typeof bridge>;
  beforeAll(async () => {
    [broker, shop] = [await open(), await openShop()];
    const key = await shop.key('orders:read', 'orders:write');
    const settings = broker.settings({
      types: ['order.*'],
      tenants: [shop.tenantId],
      commands: { key, procedures: ['orders.*', 'products.create'] },
    });
    bridged = bridge(olympus, settings);
    await bridged.up();
    await broker.listen();
  });
  afterAll(async () => {
    await bridged.close();
    await broker.close();
  });

  const seen = async (list: readonly Received[], of: (one: Received) => boolean, count = 1): Promise<Received[]> => {
    await expect.poll(() => list.filter(of).length, { timeout: 8000, interval: 20 }).toBeGreaterThanOrEqual(count);
    return list.filter(of);
  };
  const about = (orderId: string) => (one: Received) => (one.body as { orderId?: string }).orderId === orderId;
  const withId = (id: string) => (one: Received) => (one.headers['message-id'] ?? one.id).endsWith(id);
  const toStatus = (id: string, status: string, rest: object = {}) =>
    JSON.stringify({ procedure: 'orders.setStatus', input: { id, status, ...rest } });

  it('publishes what is chosen, with attributes of CloudEvents and the ids of the log, in order', async () => {
    const stranger = await openShop();
    await stranger.sell();
    const order = await shop.sell();
    await shop.setStatus(order.id, 'confirmed');
    await shop.setStatus(order.id, 'preparing');
    const [created, ...updated] = await seen(broker.events, about(order.id), 3);
    const attribute = (name: string) => created?.headers[broker.prefix + name];
    expect(created?.to).toContain(`.${shop.tenantId}.order.created`);
    expect(created?.id).toBe(attribute('id'));
    expect(created?.body).toMatchObject({ type: 'order.created', order: { id: order.id, status: 'pending' } });
    expect(['specversion', 'type', 'source', 'subject', 'dataversion'].map(attribute)).toEqual([
      '1.0',
      'order.created',
      `/tenants/${shop.tenantId}`,
      order.id,
      '1',
    ]);
    expect(new Date(attribute('time') ?? '').getTime()).toBeGreaterThan(Date.now() - 60_000);
    expect(updated.map(({ body }) => (body as { order: Order }).order.status)).toEqual(['confirmed', 'preparing']);
    // Neither the product, which was not chosen, nor the other shop.
    expect(new Set(broker.events.map(({ to }) => to.split('.').slice(-3, -1).join('.')))).toEqual(
      new Set([`${shop.tenantId}.order`]),
    );
  });

  it('carries a command out as the key, once, however often it comes, and answers each time', async () => {
    const order = await shop.sell();
    const command = { id: `command-${order.id}`, body: toStatus(order.id, 'confirmed'), answered: true };
    await broker.send(command);
    const [first] = await seen(broker.answers, withId(command.id));
    expect(first?.body).toMatchObject({ id: command.id, ok: true, result: { id: order.id, status: 'confirmed' } });
    await broker.send(command);
    const [, second] = await seen(broker.answers, withId(command.id), 2);
    expect(second?.body).toEqual(first?.body);
    expect(await shop.order(order.id)).toMatchObject({ status: 'confirmed', version: order.version + 1 });
    await expect.poll(() => broker.waiting()).toBe(0);
    expect(broker.dead.filter(withId(command.id))).toEqual([]);
  });

  it('puts among dead letters what cannot be carried out, with the reason', async () => {
    const order = await shop.sell();
    const other = await openShop();
    const bad: [id: string, body: string, code: string, detail: string, headers?: Record<string, string>][] = [
      ['json', '{', 'INVALID_INPUT', 'not valid JSON'],
      ['field', '{"procedure":"orders.list","imput":{}}', 'INVALID_INPUT', 'the nearest is input'],
      ['name', '{"procedure":"orders.lost"}', 'INVALID_INPUT', 'is not a procedure'],
      ['public', '{"procedure":"auth.login","input":{}}', 'INVALID_INPUT', 'cannot be called by a message'],
      ['outside', '{"procedure":"customers.list"}', 'INVALID_INPUT', 'may not be called by this bridge'],
      ['input', toStatus(order.id, 'lost'), 'INVALID_INPUT', 'status'],
      ['right', '{"procedure":"products.create","input":{}}', 'FORBIDDEN', ''],
      ['foreign', toStatus((await other.sell()).id, 'confirmed'), 'ORDER_NOT_FOUND', ''],
      ['illegal', toStatus(order.id, 'completed'), 'ILLEGAL_TRANSITION', ''],
      [
        'key',
        toStatus(order.id, 'confirmed'),
        'UNAUTHENTICATED',
        '',
        { authorization: 'Bearer olk_wrong_wrongwrongwrong' },
      ],
    ];
    for (const [id, body, , , headers] of bad)
      await broker.send({ id: `${order.id}-${id}`, body, ...(headers && { headers }), answered: id === 'illegal' });
    for (const [id, body, code, detail] of bad) {
      const [letter] = await seen(broker.dead, withId(`${order.id}-${id}`));
      expect(letter?.headers['olympus-error'], id).toBe(code);
      expect(decodeURIComponent(letter?.headers['olympus-detail'] ?? ''), id).toContain(detail);
      expect(JSON.stringify(letter?.body), id).toContain(body.slice(1, 8).replaceAll('"', ''));
    }
    const [answer] = await seen(broker.answers, withId(`${order.id}-illegal`));
    expect(answer?.body).toMatchObject({ ok: false, problem: { code: 'ILLEGAL_TRANSITION', status: 409 } });
    expect(await shop.order(order.id)).toMatchObject({ status: 'pending' });
    await expect.poll(() => broker.waiting()).toBe(0);
  });

  it('takes the key of the command before its own', async () => {
    const other = await openShop();
    const order = await other.sell();
    const authorization = `Bearer ${await other.key('orders:write')}`;
    await broker.send({
      id: `own-${order.id}`,
      body: toStatus(order.id, 'confirmed'),
      headers: { authorization },
      answered: true,
    });
    const [answer] = await seen(broker.answers, withId(order.id));
    expect(answer?.body).toMatchObject({ ok: true });
    expect(await other.order(order.id)).toMatchObject({ status: 'confirmed' });
  });

  it('counts what it does', async () => {
    const text = await bridged.metrics();
    expect(text).toContain('olympus_bridge_up{bridge="partners"} 1');
    expect(text).toMatch(/olympus_bridge_events_total\{bridge="partners",outcome="confirmed"\} [1-9]/);
    expect(text).toMatch(/olympus_bridge_commands_total\{bridge="partners",outcome="done"\} [1-9]/);
    expect(text).toMatch(/olympus_bridge_commands_total\{bridge="partners",outcome="buried"\} 1\d/);
  });
});
