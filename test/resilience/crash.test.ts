import { afterEach, describe, expect, it } from 'vitest';
import { createStore, registerTenant, rest, type Session, type Store } from '../harness.ts';
import { olympus, type Served } from '../processes.ts';

let store: Store;
const running = new Set<Served>();

async function start(env: Record<string, string> = {}): Promise<Served> {
  const served = await olympus({ ...store.env, RATE_LIMITS: 'off', ...env });
  running.add(served);
  return served;
}
afterEach(async () => {
  await Promise.all([...running].map((served) => served.stop('SIGKILL')));
  running.clear();
  await store.remove();
});

const product = { sku: 'MUG', name: 'Mug', price: { amount: '4.95', currency: 'GBP' }, stock: 1000 };

describe('a process that is killed', () => {
  it('leaves one order, however often the call is repeated with its key', async () => {
    store = await createStore();
    let served = await start();
    const owner = await registerTenant(served.url);
    const token = owner.accessToken;
    const made = await rest<{ id: string }>(served.url, { method: 'POST', path: '/products', token, body: product });
    const items = [{ productId: made.body.id, quantity: 1 }];

    const rounds = 5;
    for (let round = 0; round < rounds; round++) {
      const call = {
        method: 'POST',
        path: '/orders',
        token,
        body: { items },
        headers: { 'idempotency-key': `round-${round}` },
      };
      // The process dies somewhere between the arrival of the call and its answer, or just after.
      const first = rest(served.url, call).catch(() => null);
      await new Promise((done) => setTimeout(done, round * 6));
      await served.stop('SIGKILL');
      running.delete(served);
      await first;
      served = await start();
      const repeated = await rest<{ id: string }>(served.url, call);
      expect(repeated.status).toBe(201);
      const again = await rest<{ id: string }>(served.url, call);
      expect(again.body.id).toBe(repeated.body.id);
      expect(again.headers.get('idempotency-replayed')).toBe('true');
    }
    const list = await rest<{ totalCount: number }>(served.url, { path: '/orders?withTotal=true', token });
    expect(list.body.totalCount).toBe(rounds);
    const stock = await rest<{ stock: number }>(served.url, { path: `/products/${made.body.id}`, token });
    expect(stock.body.stock).toBe(1000 - rounds);
  }, 240_000);

  it('comes back with every acknowledged write, each with its entry of the audit log, and its tokens still hold', async () => {
    store = await createStore();
    const served = await start();
    const { accessToken: token } = await registerTenant(served.url);
    const acknowledged: string[] = [];
    let writing = true;
    const writers = [1, 2, 3, 4].map(async (writer) => {
      for (let n = 0; writing; n++) {
        const sku = `${writer}-${n}`;
        const answer = await rest(served.url, {
          method: 'POST',
          path: '/products',
          token,
          body: { ...product, sku },
        }).catch(() => null);
        if (answer?.status === 201) acknowledged.push(sku);
      }
    });
    await expect.poll(() => acknowledged.length, { timeout: 20_000 }).toBeGreaterThan(50);
    await served.stop('SIGKILL');
    running.delete(served);
    writing = false;
    await Promise.all(writers);

    const began = performance.now();
    const again = await start();
    // Nothing of the dead process holds the next one up.
    expect(performance.now() - began).toBeLessThan(20_000);
    const found = new Set<string>();
    for (let cursor: string | null = ''; cursor !== null;) {
      const page: { body: { items: { sku: string }[]; nextCursor: string | null } } = await rest(again.url, {
        path: `/products?limit=100${cursor ? `&cursor=${cursor}` : ''}`,
        token,
      });
      for (const { sku } of page.body.items) found.add(sku);
      cursor = page.body.nextCursor;
    }
    expect(acknowledged.filter((sku) => !found.has(sku))).toEqual([]);

    // What was committed without an answer has its entry too, and nothing else has one.
    const log = await fetch(`${again.url}/api/v1/audit/export?format=ndjson&procedure=products.create`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const entries = (await log.text()).trimEnd().split('\n');
    const recorded = entries.map((line) => (JSON.parse(line) as { input: { sku: string } }).input.sku);
    expect(recorded.sort()).toEqual([...found].sort());
    const chain = await rest(again.url, { path: '/audit/verify', token });
    expect(chain.body).toMatchObject({ valid: true, checked: entries.length + 1 });
  }, 180_000);
});

describe('SIGTERM', () => {
  it('drops no request, closes sockets with a reason, and ends with 0', async () => {
    store = await createStore();
    const served = await start();
    const session: Session = await registerTenant(served.url);
    const outcomes: string[] = [];
    let calling = true;
    const callers = Array.from({ length: 16 }, async () => {
      while (calling) {
        try {
          const { status } = await rest(served.url, { path: '/products', token: session.accessToken });
          outcomes.push(String(status));
        } catch (error) {
          // Refused before it was sent: a balancer has moved on by then. Anything else was dropped.
          const code = (error as { cause?: { code?: string } }).cause?.code ?? String(error);
          outcomes.push(code);
          if (code === 'ECONNREFUSED') return;
        }
      }
    });
    await new Promise((done) => setTimeout(done, 500));
    const code = await served.stop('SIGTERM');
    running.delete(served);
    calling = false;
    await Promise.all(callers);
    expect(code).toBe(0);
    expect([...new Set(outcomes)].sort()).toEqual(['200', 'ECONNREFUSED']);
    expect(outcomes.filter((outcome) => outcome === '200').length).toBeGreaterThan(10);
  }, 120_000);
});

describe('the embedded folder', () => {
  it('is refused to a second process, clearly', async () => {
    store = await createStore();
    if (store.kind === 'postgres') return;
    const served = await start();
    await expect(start()).rejects.toThrow(new RegExp(`${store.env['OLYMPUS_DATA_DIR']}[\\s\\S]*${served.process.pid}`));
  }, 120_000);
});
