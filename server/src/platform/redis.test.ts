import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Redis as Client } from 'ioredis';
import { createLogger } from './logger.ts';
import { openRedis, type Redis } from './redis.ts';

const log = createLogger({ level: 'silent', destination: { write() {} } });

/** A server of the test's own, which it may stop and kill. */
describe.skipIf(!process.env['TEST_REDIS_URL'])('Redis', () => {
  let port: number;
  let server: ChildProcess;
  let redis: Redis;

  const start = async () => {
    server = spawn('redis-server', ['--port', String(port), '--save', '', '--appendonly', 'no'], { stdio: 'ignore' });
    await once(server, 'spawn');
  };
  const kill = async () => {
    const exited = once(server, 'exit');
    server.kill('SIGKILL');
    await exited;
  };
  const answers = () => vi.waitFor(() => redis.ping(), { timeout: 5000, interval: 50 });

  beforeEach(async () => {
    port = await freePort();
    await start();
    redis = openRedis(`redis://127.0.0.1:${port}`, { keyPrefix: 'test:', log });
    await answers();
  });
  afterEach(async () => {
    await redis.close();
    await kill();
  });

  test('keys and channels carry the prefix', async () => {
    const bare = openRedis(`redis://127.0.0.1:${port}`, { keyPrefix: '', log });
    await vi.waitFor(() => bare.ping(), 20_000);
    const seen: string[] = [];
    await bare.subscribe('test:news', (text) => seen.push(text));
    await redis.client.set('a', '1');
    expect(await bare.client.get('test:a')).toBe('1');
    expect(await redis.publish('news', 'hello')).toBe(1);
    await vi.waitFor(() => expect(seen).toEqual(['hello']), 20_000);
    await bare.close();
  });

  test('two subscribers of a channel both hear, and one that has left does not', async () => {
    const first: string[] = [];
    const second: string[] = [];
    const leave = await redis.subscribe('c', (text) => first.push(text));
    await redis.subscribe('c', () => {
      throw new Error('a subscriber that fails harms no other');
    });
    await redis.subscribe('c', (text) => second.push(text));
    await redis.publish('c', '1');
    await vi.waitFor(() => expect(second).toEqual(['1']), 20_000);
    await leave();
    await redis.publish('c', '2');
    await vi.waitFor(() => expect(second).toEqual(['1', '2']), 20_000);
    expect(first).toEqual(['1']);
  });

  test('a stopped server fails calls within a second, soon at once, and is used again when it goes on', async () => {
    const heard: string[] = [];
    await redis.subscribe('c', (text) => heard.push(text));
    server.kill('SIGSTOP');
    const started = performance.now();
    const calls = await Promise.allSettled(Array.from({ length: 200 }, () => redis.client.get('a')));
    expect(calls.every((call) => call.status === 'rejected')).toBe(true);
    expect(performance.now() - started).toBeLessThan(2500);

    await sleep(300);
    const again = performance.now();
    await expect(redis.client.get('a')).rejects.toBeInstanceOf(Error);
    expect(performance.now() - again).toBeLessThan(300);

    server.kill('SIGCONT');
    await answers();
    await vi.waitFor(async () => {
      await redis.publish('c', 'back');
      expect(heard).toContain('back');
    }, 20_000);
  });

  test('after a crash of the server, commands and subscriptions go on, and the subscriber is told to catch up', async () => {
    const heard: string[] = [];
    const subscribed = vi.fn();
    await redis.subscribe('c', (text) => heard.push(text), subscribed);
    expect(subscribed).toHaveBeenCalledTimes(1);
    await kill();
    await expect(redis.publish('c', 'lost')).rejects.toBeInstanceOf(Error);
    await start();
    await answers();
    await vi.waitFor(() => expect(subscribed).toHaveBeenCalledTimes(2), 20_000);
    await redis.publish('c', 'after');
    await vi.waitFor(() => expect(heard).toEqual(['after']), 20_000);
  });

  test('a stream comes whole to whoever lost the connection meanwhile, and goes on after it was emptied', async () => {
    const [heard, gaps] = [[] as string[], vi.fn()];
    const admin = new Client(port);
    const leave = redis.follow('s', (text) => heard.push(text), gaps);
    await vi.waitFor(() => expect(gaps).toHaveBeenCalledTimes(1), 20_000);
    const texts = Array.from({ length: 40 }, (_, n) => String(n));
    for (const text of texts) {
      await redis.append('s', text);
      const [, id] = /^id=(\d+) .*name=olympus-reader /m.exec(String(await admin.client('LIST'))) ?? [];
      if (id && Number(text) % 10 === 5) await admin.client('KILL', 'ID', Number(id));
    }
    await vi.waitFor(() => expect(heard).toEqual(texts), 20_000);
    expect(gaps.mock.calls.length).toBeGreaterThan(1);
    expect(await admin.pttl('test:s')).toBeGreaterThan(50_000);

    const before = gaps.mock.calls.length;
    await admin.del('test:s');
    // As by a server whose clock is behind.
    await admin.xadd('test:s', '5-1', 't', 'missed');
    await vi.waitFor(() => expect(gaps.mock.calls.length).toBeGreaterThan(before), 20_000);
    await admin.xadd('test:s', '5-2', 't', 'after');
    await vi.waitFor(() => expect(heard.at(-1)).toBe('after'), 20_000);
    await leave();
    admin.disconnect();
  });
});

test('without a server nothing hangs: calls fail, subscribing and closing do not', async () => {
  const redis = openRedis(`redis://127.0.0.1:${await freePort()}`, { keyPrefix: '', log });
  await expect(redis.ping()).rejects.toBeInstanceOf(Error);
  const leave = await redis.subscribe('c', () => {});
  await leave();
  await redis.close();
});

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  return port;
}
