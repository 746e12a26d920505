import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startProxy, type Proxy } from '../../drizzle/src/testing/proxy.ts';
import { amqpUrl, answers, natsUrl, type BrokerDriver, type Received } from '../bridges/driver.ts';
import { openNats } from '../bridges/nats.ts';
import { openRabbitMq } from '../bridges/rabbitmq.ts';
import { createStore, registerTenant, rest, type Store } from '../harness.ts';
import { olympus, type Served } from '../processes.ts';

const isFound =
  (await answers('RabbitMQ', amqpUrl, 'TEST_AMQP_URL')) && (await answers('NATS', natsUrl, 'TEST_NATS_URL'));
const chain = ['confirmed', 'preparing', 'ready', 'completed', 'refunded'];
const orders = 12;
const commands = 40;

interface Order {
  readonly id: string;
  readonly status: string;
}
interface Health {
  readonly status: string;
  readonly dependencies: { readonly bridges: Record<string, { status: string; error: string | null }> };
}

describe.skipIf(!isFound)('bridges to RabbitMQ and NATS', () => {
  let store: Store;
  let proxies: Proxy[];
  let brokers: BrokerDriver[];
  const running = new Set<Served>();

  beforeEach(async () => {
    store = await createStore();
    proxies = await Promise.all([amqpUrl, natsUrl].map(startProxy));
    const [amqp, nats] = proxies as [Proxy, Proxy];
    brokers = [await openRabbitMq(amqp.url), await openNats(nats.url)];
  });
  afterEach(async () => {
    await Promise.all([...running].map((served) => served.stop('SIGKILL')));
    running.clear();
    await Promise.all(brokers.map((broker) => broker.close()));
    await Promise.all(proxies.map((proxy) => proxy.close().catch(() => undefined)));
    await store.remove();
  });

  async function start(key?: string): Promise<Served> {
    const settings = brokers.map((broker, at) =>
      broker.settings({ name: `b${at}`, types: ['order.*'], commands: key === undefined ? null : { key } }),
    );
    const served = await olympus({ ...store.env, OLYMPUS_BRIDGES: JSON.stringify(settings) });
    running.add(served);
    return served;
  }
  const end = async (served: Served, signal?: NodeJS.Signals) => {
    const code = await served.stop(signal);
    running.delete(served);
    return code;
  };
  const healthOf = async ({ url }: Served) => (await (await fetch(`${url}/health`)).json()) as Health;
  const links = async (served: Served) =>
    Object.values((await healthOf(served)).dependencies.bridges).map(({ status }) => status);
  const all = async (work: (part: Proxy) => unknown) => void (await Promise.all(proxies.map(work)));
  const notesOf = ({ body }: Received) => (body as { order: Order }).order;

  /** Orders that go through all their statuses, by REST. */
  async function sell(url: string, token: string): Promise<string[]> {
    const call = async <T>(method: string, path: string, body: object) => {
      const answer = await rest<T>(url, { method, path, body, token });
      expect(answer.status).toBeLessThan(300);
      return answer.body;
    };
    const price = { amount: '1.00', currency: 'GBP' };
    const product = await call<Order>('POST', '/products', { sku: `P${Math.random()}`, name: 'P', price, stock: 1000 });
    const items = [{ productId: product.id, quantity: 1 }];
    const placed = await Promise.all(Array.from({ length: orders }, () => call<Order>('POST', '/orders', { items })));
    for (const status of chain)
      await Promise.all(placed.map(({ id }) => call('PATCH', `/orders/${id}/status`, { status })));
    return placed.map(({ id }) => id);
  }

  /** Everything has come at least once; what comes twice has the same id; first comings are in the order of their subject. */
  function expectComplete(events: readonly Received[], orderIds: readonly string[]): void {
    const seen = new Map<string, string>();
    for (const id of orderIds) {
      const firsts: string[] = [];
      for (const event of events.filter((one) => notesOf(one).id === id)) {
        const { status } = notesOf(event);
        const known = seen.get(`${id} ${status}`);
        if (known === undefined) firsts.push(status);
        expect(known ?? event.id).toBe(event.id);
        seen.set(`${id} ${status}`, event.id);
      }
      expect(firsts).toEqual(['pending', ...chain]);
    }
    expect(new Set(seen.values()).size).toBe(orderIds.length * (chain.length + 1));
  }
  const countsOf = () => brokers.map(({ events }) => new Set(events.map(({ id }) => id)).size);
  const total = orders * (chain.length + 1);

  it('wait while brokers are away, and lose, reorder and repeat nothing but with its id when the process is killed', async () => {
    // Up once, so that there is what listeners can be bound to.
    const first = await start();
    await expect.poll(() => links(first), { timeout: 15_000 }).toEqual(['up', 'up']);
    await Promise.all(brokers.map((broker) => broker.listen()));
    await all((proxy) => proxy.stop());
    await expect.poll(() => links(first), { timeout: 15_000 }).toEqual(['down', 'down']);
    expect((await healthOf(first)).status).toBe('degraded');
    expect((await fetch(`${first.url}/health/ready`)).status).toBe(200);
    const { accessToken: token } = await registerTenant(first.url);
    const orderIds = await sell(first.url, token);
    expect(await end(first)).toBe(0);
    expect(countsOf()).toEqual([0, 0]);
    // A server starts without them just as well.
    const second = await start();
    expect(await links(second)).toEqual(['down', 'down']);
    await all((proxy) => proxy.heal());
    // All wait in one page, and its first ones are out: nothing of it is accounted for yet.
    await expect.poll(() => Math.min(...countsOf()), { timeout: 40_000, interval: 1 }).toBeGreaterThan(3);
    await end(second, 'SIGKILL');
    const third = await start();
    await expect.poll(countsOf, { timeout: 60_000 }).toEqual([total, total]);
    for (const { events } of brokers) expectComplete(events, orderIds);
    const letters = await rest<{ items: unknown[] }>(third.url, { path: '/events/dead-letters?state=dead', token });
    expect(letters.body.items).toEqual([]);
    // JetStream has dropped by their ids what came twice.
    expect(brokers[1]?.events).toHaveLength(total);
    expect(await end(third)).toBe(0);
  }, 360_000);

  it('go on over connections that are cut again and again, or lead nowhere', async () => {
    const served = await start();
    await expect.poll(() => links(served), { timeout: 15_000 }).toEqual(['up', 'up']);
    await Promise.all(brokers.map((broker) => broker.listen()));
    const { accessToken: token } = await registerTenant(served.url);
    const selling = sell(served.url, token);
    let done = false;
    void selling.finally(() => (done = true));
    while (!done) {
      await all((proxy) => proxy.stop());
      await all((proxy) => proxy.heal());
      await new Promise((resolve) => setTimeout(resolve, 700));
    }
    const orderIds = await selling;
    await expect.poll(countsOf, { timeout: 40_000 }).toEqual([total, total]);
    // Half open: nobody says anything any more.
    await all((proxy) => proxy.freeze());
    const later = await sell(served.url, token);
    await expect.poll(() => links(served), { timeout: 50_000 }).toEqual(['down', 'down']);
    await all((proxy) => proxy.stop());
    await all((proxy) => proxy.heal());
    await expect.poll(countsOf, { timeout: 60_000 }).toEqual([2 * total, 2 * total]);
    for (const { events } of brokers) expectComplete(events, [...orderIds, ...later]);
    expect(await end(served)).toBe(0);
  }, 480_000);

  it('carry each command out once, though the process is killed among them and the connections are cut', async () => {
    const first = await start();
    const { accessToken: token } = await registerTenant(first.url);
    const body = { name: 'bridge', scopes: ['customers:write'] };
    const made = await rest<{ secret: string }>(first.url, { method: 'POST', path: '/api-keys', token, body });
    await end(first);
    let served = await start(made.body.secret);
    await expect.poll(() => links(served), { timeout: 15_000 }).toEqual(['up', 'up']);
    const count = async () => {
      const path = '/customers?limit=1&withTotal=true';
      return (await rest<{ totalCount: number }>(served.url, { path, token })).body.totalCount;
    };
    const order = (at: number, n: number) => ({ procedure: 'customers.create', input: { name: `c${at}-${n}` } });
    for (let n = 0; n < commands; n++)
      for (const [at, broker] of brokers.entries())
        await broker.send({ id: `command-${at}-${n}`, body: JSON.stringify(order(at, n)) });
    for (let round = 0; round < 2; round++) {
      const before = await count();
      await end(served, 'SIGKILL');
      for (let n = round * 10; n < round * 10 + 10; n++)
        for (const [at, broker] of brokers.entries())
          await broker.send({ id: `command-${at}-${n}`, body: JSON.stringify(order(at, n)) });
      served = await start(made.body.secret);
      await expect.poll(count, { timeout: 30_000, interval: 2 }).toBeGreaterThanOrEqual(before);
    }
    await all((proxy) => proxy.stop());
    await all((proxy) => proxy.heal());
    await expect
      .poll(() => Promise.all(brokers.map((broker) => broker.waiting())), { timeout: 90_000 })
      .toEqual([0, 0]);
    await expect.poll(count, { timeout: 30_000 }).toBe(commands * brokers.length);
    expect(brokers.flatMap(({ dead }) => dead)).toEqual([]);
    expect(await end(served)).toBe(0);
  }, 480_000);
});
