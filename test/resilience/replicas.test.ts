import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createStore, registerTenant, rest, type Store } from '../harness.ts';
import { olympus, type Served } from '../processes.ts';

const { TEST_DATABASE_URL } = process.env;

interface Health {
  status: string;
  dependencies: { relay: { role: string } };
}

// The embedded database has one process by nature.
describe.skipIf(!TEST_DATABASE_URL)('five replicas on one database', () => {
  let store: Store;
  let replicas: Served[] = [];

  beforeAll(async () => {
    store = await createStore();
    replicas = await Promise.all(Array.from({ length: 5 }, () => olympus({ ...store.env })));
  }, 240_000);
  afterAll(async () => {
    await Promise.all(replicas.map((replica) => replica.stop()));
    await store.remove();
  });

  const rolesOf = () =>
    Promise.all(
      replicas.map(async ({ url }) => {
        const response = await fetch(`${url}/health`);
        const { status, dependencies } = (await response.json()) as Health;
        return status === 'ok' ? dependencies.relay.role : status;
      }),
    );

  it('start together on an empty database, and one leads the relay', async () => {
    const expected = ['leader', 'standby', 'standby', 'standby', 'standby'];
    await expect.poll(async () => (await rolesOf()).sort(), { timeout: 20_000 }).toEqual(expected);
  });

  it('accept each other’s tokens, cursors and idempotency keys', async () => {
    const [a, b] = replicas as [Served, Served];
    const { accessToken: token } = await registerTenant(a.url);
    const body = { sku: 'MUG', name: 'Mug', price: { amount: '4.95', currency: 'GBP' } };
    const headers = { 'idempotency-key': 'one' };
    const made = await rest<{ id: string }>(a.url, { method: 'POST', path: '/products', token, body, headers });
    const again = await rest<{ id: string }>(b.url, { method: 'POST', path: '/products', token, body, headers });
    expect(again.body.id).toBe(made.body.id);
    await rest(b.url, { method: 'POST', path: '/products', token, body: { ...body, sku: 'CUP' } });
    const first = await rest<{ items: { sku: string }[]; nextCursor: string }>(a.url, {
      path: '/products?limit=1&sort=sku',
      token,
    });
    const second = await rest<{ items: { sku: string }[] }>(b.url, {
      path: `/products?limit=1&sort=sku&cursor=${first.body.nextCursor}`,
      token,
    });
    expect([first.body.items[0]?.sku, second.body.items[0]?.sku]).toEqual(['CUP', 'MUG']);
  });

  it('tell each other of events, and go on when the leader is killed', async () => {
    const [a] = replicas as [Served];
    const { accessToken: token } = await registerTenant(a.url);
    const seen: string[] = [];
    const leaving = new AbortController();
    const states = await rolesOf();
    const leader = replicas[states.indexOf('leader')];
    const others = replicas.filter((replica) => replica !== leader);
    const [listener, writer] = others as [Served, Served];
    const response = await fetch(`${listener.url}/api/v1/products/events`, {
      headers: { authorization: `Bearer ${token}` },
      signal: leaving.signal,
    });
    const reading = (async () => {
      for await (const chunk of response.body ?? [])
        for (const match of Buffer.from(chunk)
          .toString()
          .matchAll(/"sku":"(\w+)"/g))
          seen.push(match[1] ?? '');
    })().catch(() => {});
    const create = (sku: string) =>
      rest(writer.url, {
        method: 'POST',
        path: '/products',
        token,
        body: { sku, name: sku, price: { amount: '1', currency: 'GBP' } },
      });
    await create('A1');
    await expect.poll(() => seen, { timeout: 5000 }).toEqual(['A1']);
    await leader?.stop('SIGKILL');
    replicas = others;
    await create('A2');
    await create('A3');
    await expect.poll(() => seen, { timeout: 10_000 }).toEqual(['A1', 'A2', 'A3']);
    leaving.abort();
    await reading;
  }, 120_000);
});
