import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startProxy, type Proxy } from '../../drizzle/src/testing/proxy.ts';
import { startApp, type App } from '@olympus/server/app.ts';
import { readConfig } from '@olympus/server/config.ts';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createStore, idleConsumer, type Store } from '../harness.ts';
import { carries, protocolsOf, tree } from './protocols.ts';
import { sampleOf } from './sample.ts';
import { Shop } from './shop.ts';
import type { Answer, Protocol } from './wire.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });
const { TEST_DATABASE_URL } = process.env;

const extras = { consumers: [idleConsumer] };
const configOf = (env: Readonly<Record<string, string>>) =>
  readConfig({
    HOST: '127.0.0.1',
    PORT: '0',
    LOG_LEVEL: 'silent',
    OLYMPUS_SEED_DEMO: 'off',
    RATE_LIMITS: 'off',
    ...env,
  });

/** Asks until it is answered well; how long that took. */
async function recovered(ask: () => Promise<Answer>): Promise<number> {
  const start = performance.now();
  for (;;) {
    const { code } = await ask();
    if (code === 'OK') return performance.now() - start;
    if (performance.now() - start > 20_000) return Infinity;
    await sleep(25);
  }
}

// A server that can be taken away: the embedded database lives and dies with its process, see `test/resilience`.
describe.runIf(TEST_DATABASE_URL)('PostgreSQL', () => {
  let store: Store;
  let proxy: Proxy;
  let app: App;
  let protocols: Protocol[];
  let shop: Shop;

  beforeAll(async () => {
    store = await createStore();
    proxy = await startProxy(store.env['DATABASE_URL'] ?? '');
    app = await startApp(configOf({ ...store.env, DATABASE_URL: proxy.url }), extras);
    protocols = protocolsOf(app.url);
    shop = await Shop.open(app);
  });
  afterAll(async () => {
    for (const protocol of protocols) protocol.close();
    await app.close();
    await proxy.close();
    await store.remove();
  });

  it('that is gone is told by every procedure on every protocol in time, and is found again', async () => {
    const samples = new Map<string, object>();
    for (const [path] of tree) samples.set(path, await sampleOf(path, shop));
    const acknowledged = await shop.make('customers.create', { name: `${shop.mark} acknowledged` });
    // Sockets are signed in before, since nobody can be afterwards.
    for (const protocol of protocols)
      for (const token of [shop.token, shop.tokenFor('tenants.list')]) await protocol.call({ path: 'auth.me', token });
    await proxy.stop();
    const slow: string[] = [];
    for (const protocol of protocols)
      for (const [path, { kind }] of tree) {
        if (kind === 'subscription' || !carries(protocol, path)) continue;
        const start = performance.now();
        const answer = await protocol.call({ path, input: samples.get(path), token: shop.tokenFor(path) });
        const told = `${path} over ${protocol.name}: ${answer.text.slice(0, 200)}`;
        // Which providers there are is configuration, and needs no database.
        if (answer.code !== 'OK' && answer.code !== 'SIGN_IN_PROVIDER_NOT_FOUND') {
          expect([answer.status, answer.code], told).toEqual([503, 'UNAVAILABLE']);
          if (protocol.name === 'REST')
            expect(Number(answer.headers?.get('retry-after')), told).toBeGreaterThanOrEqual(1);
          expect(answer.failure?.data, told).toEqual({ retryAfter: expect.any(Number) });
        }
        // Passwords are hashed first, by a few threads for all.
        if (performance.now() - start > 500 && !/password/.test(JSON.stringify(samples.get(path)))) slow.push(told);
      }
    // One or two of two hundred may be late on a busy machine.
    expect(slow.length, slow.join('\n')).toBeLessThan(5);
    expect((await fetch(`${app.url}/health/live`)).status).toBe(200);
    await proxy.heal();
    const [rest] = protocols;
    if (!rest) throw new Error('REST is not served');
    expect(await recovered(() => rest.call({ path: 'auth.me', token: shop.token }))).toBeLessThan(5000);
    const kept = await rest.call({ path: 'customers.get', input: { id: acknowledged }, token: shop.token });
    expect(kept.code).toBe('OK');
  });

  it('that cuts every connection again and again harms nobody’s acknowledged work', async () => {
    const done: string[] = [];
    for (let round = 0; round < 5; round++) {
      const writes = [...protocols, ...protocols].map((protocol, n) =>
        protocol.call({
          path: 'customers.create',
          input: { name: `${shop.mark} round ${round} ${n}` },
          token: shop.token,
        }),
      );
      await sleep(round * 3);
      await proxy.stop();
      await proxy.heal();
      for (const answer of await Promise.all(writes)) {
        if (answer.code === 'OK') done.push((answer.value as { id: string }).id);
        else expect(answer.status, answer.text).toBe(503);
      }
      const [rest] = protocols;
      if (rest) expect(await recovered(() => rest.call({ path: 'auth.me', token: shop.token }))).toBeLessThan(5000);
    }
    for (const id of done) await shop.call('customers.get', { id });
  });
});

describe('Redis', () => {
  let folder: string;
  let port: number;
  let redis: ChildProcess;
  let store: Store;
  let app: App;
  let shop: Shop;
  let protocols: Protocol[];

  const start = async (): Promise<ChildProcess> => {
    const child = spawn(
      'redis-server',
      ['--port', String(port), '--dir', folder, '--save', '', '--bind', '127.0.0.1'],
      {
        stdio: 'ignore',
      },
    );
    for (;;) {
      const socket = connect(port, '127.0.0.1');
      const up = await once(socket, 'connect').then(
        () => true,
        () => false,
      );
      socket.destroy();
      if (up) return child;
      await sleep(20);
    }
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'olympus-redis-'));
    const probe = createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    ({ port } = probe.address() as AddressInfo);
    await new Promise((done) => probe.close(done));
    redis = await start();
    store = await createStore();
    app = await startApp(
      configOf({
        ...store.env,
        REDIS_URL: `redis://127.0.0.1:${port}`,
        RATE_LIMITS:
          'read=100000/1,write=100000/1,signIn=100000/60,stream=100000/60,address=1000000/1,tenant=1000000/1',
      }),
      extras,
    );
    protocols = protocolsOf(app.url);
    shop = await Shop.open(app);
  });
  afterAll(async () => {
    for (const protocol of protocols) protocol.close();
    await app.close();
    redis.kill('SIGKILL');
    await store.remove();
    await rm(folder, { recursive: true, force: true });
  });

  /** A read and a write over each protocol. */
  const everywhere = async (): Promise<{ answers: Answer[]; longestMs: number }> => {
    const answers: Answer[] = [];
    let longestMs = 0;
    for (const protocol of protocols)
      for (const path of ['products.list', 'customers.create']) {
        const begin = performance.now();
        answers.push(await protocol.call({ path, input: await sampleOf(path, shop), token: shop.tokenFor(path) }));
        longestMs = Math.max(longestMs, performance.now() - begin);
      }
    return { answers, longestMs };
  };
  const served = ({ answers }: { answers: Answer[] }) => {
    for (const { code, status, text } of answers) if (code !== 'OK') expect(status, text).toBe(503);
  };

  it('that is stopped, killed and started again leaves calls answered', async () => {
    served(await everywhere());
    redis.kill('SIGSTOP');
    const stopped = await everywhere();
    served(stopped);
    expect(stopped.longestMs).toBeLessThan(2000);
    redis.kill('SIGCONT');
    redis.kill('SIGKILL');
    await once(redis, 'exit');
    const killed = await everywhere();
    served(killed);
    redis = await start();
    const [rest] = protocols;
    if (!rest) throw new Error('REST is not served');
    expect(await recovered(() => rest.call({ path: 'auth.me', token: shop.token }))).toBeLessThan(5000);
    for (const answer of (await everywhere()).answers) expect(answer.code, answer.text).toBe('OK');
    const health = async () =>
      ((await (await fetch(`${app.url}/health`)).json()) as { dependencies: { redis?: { status: string } } })
        .dependencies.redis?.status;
    await expect.poll(health, { timeout: 10_000 }).toBe('up');
  });
});
