import { Agent } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { registerTenant, rest, type Session } from '../harness.ts';
import { haproxyAddress, startRedis } from '../services.ts';
import { canRun, note, startFleet, type Fleet } from './fleet.ts';
import { getFrom, type Sent } from './raw.ts';

describe.skipIf(!canRun)(`three replicas behind haproxy${note}`, () => {
  let fleet: Fleet;
  let owner: Session;

  beforeAll(async () => {
    fleet = await startFleet({
      RATE_LIMITS: 'read=100/300,write=50/300,stream=1000/300,tenant=130/300,address=300/300',
    });
    owner = await registerTenant(fleet.haproxy.url);
  }, 240_000);
  afterAll(() => fleet?.stop());

  const agent = new Agent({ maxSockets: 200 });
  const get = (url: string, sent: Sent = {}) => getFrom(`${url}/api/v1/products?limit=1`, { agent, ...sent });
  const list = (token?: string, sent: Sent = {}) => get(fleet.haproxy.url, { ...sent, ...(token && { token }) });
  /** As haproxy would send on what a client of this address asks. */
  const forwarded = (index: number, address: string, token?: string) =>
    get(fleet.replicas[index % 3]!.url, {
      from: haproxyAddress,
      headers: { 'x-forwarded-for': address },
      ...(token && { token }),
    });
  const countOf = (answers: readonly { status: number }[], status: number) =>
    answers.filter((answer) => answer.status === status).length;

  it('1,000 calls at once of one user admit exactly the limit', async () => {
    const answers = await Promise.all(Array.from({ length: 1000 }, () => list(owner.accessToken)));
    const others = answers
      .filter(({ status }) => status !== 200 && status !== 429)
      .map(({ status, text }) => [status, text]);
    expect(others).toEqual([]);
    expect([countOf(answers, 200), countOf(answers, 429)]).toEqual([100, 900]);
    const refused = answers.find(({ status }) => status === 429)!;
    expect(refused.headers['ratelimit-policy']).toBe('"read";q=100;w=300');
    expect(refused.headers['ratelimit']).toMatch(/^"read";r=0;t=(2\d\d|300)$/);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(250);
  });

  it('a tenant has no more than its share, however many its users', async () => {
    const token = await addUser();
    const answers = await Promise.all(Array.from({ length: 100 }, () => list(token)));
    // 100 calls were the owner's, and one made the user.
    expect(countOf(answers, 200)).toBe(29);
    expect(answers.find(({ status }) => status === 429)?.headers['ratelimit-policy']).toBe('"tenant";q=130;w=300');
    const other = await registerTenant(fleet.haproxy.url);
    expect((await list(other.accessToken)).status).toBe(200);
  });

  it('bounds an address over all replicas, whoever calls from it; what the client says of its address is not believed', async () => {
    const spoofed = (index: number) => ({ from: '127.0.0.9', headers: { 'x-forwarded-for': `198.51.100.${index}` } });
    const first = await Promise.all(Array.from({ length: 300 }, (_, index) => list(undefined, spoofed(index % 250))));
    expect(countOf(first, 401)).toBe(300);
    const { accessToken } = await registerTenant(fleet.replicas[0]!.url);
    // Each replica has learned it when it asked for the last time.
    const second = await Promise.all(Array.from({ length: 6 }, () => list(undefined, spoofed(251))));
    const third = await Promise.all(Array.from({ length: 6 }, () => list(accessToken, spoofed(252))));
    expect([countOf(second, 401) + countOf(second, 429), countOf(third, 429)]).toEqual([6, 6]);
    expect(third[0]!.headers['ratelimit-policy']).toBe('"address";q=300;w=300');
    for (const { url } of fleet.replicas)
      expect((await get(url, { token: accessToken, headers: { 'x-forwarded-for': '127.0.0.9' } })).status).toBe(200);
    expect((await list(accessToken, { from: '127.0.0.10' })).status).toBe(200);
  });

  it('takes a /64 of IPv6 for one address', async () => {
    const hop = (index: number, token?: string) => forwarded(index, `2001:db8:7:7::${index.toString(16)}`, token);
    await Promise.all(Array.from({ length: 300 }, (_, index) => hop(index)));
    const { accessToken } = await registerTenant(fleet.replicas[0]!.url);
    const later = await Promise.all([301, 302, 303].map((index) => hop(index, accessToken)));
    expect(countOf(later, 429)).toBe(3);
    expect((await forwarded(0, '2001:db8:7:8::1', accessToken)).status).toBe(200);
  });

  it('when Redis stops, each replica counts for itself and answers in time, and together again afterwards', async () => {
    fleet.redis.process.kill('SIGSTOP');
    const stopped = await registerTenant(fleet.replicas[0]!.url);
    const start = performance.now();
    const alone = await Promise.all(
      Array.from({ length: 390 }, (_, index) => forwarded(index, '203.0.113.1', stopped.accessToken)),
    );
    expect(performance.now() - start).toBeLessThan(5000);
    // A tenant's 130, once for each of the three; a call that Redis counted late is counted twice.
    expect(countOf(alone, 200)).toBeLessThanOrEqual(300);
    expect(countOf(alone, 200)).toBeGreaterThanOrEqual(280);
    expect(countOf(alone, 200) + countOf(alone, 429)).toBe(390);
    fleet.redis.process.kill('SIGCONT');

    await fleet.redis.kill();
    const killed = await registerTenant(fleet.replicas[0]!.url);
    expect((await forwarded(0, '203.0.113.2', killed.accessToken)).status).toBe(200);
    fleet.redis = await startRedis(fleet.redis.port);
    await expect.poll(() => together(), { timeout: 20_000, interval: 500 }).toBe(true);
  }, 120_000);

  /** Whether what one replica counts is known to the next. */
  async function together(): Promise<boolean> {
    const { accessToken } = await registerTenant(fleet.replicas[0]!.url);
    const left: string[] = [];
    for (const index of [0, 1, 2])
      left.push((await forwarded(index, '203.0.113.3', accessToken)).headers['ratelimit'] as string);
    return left.join().replace(/;t=\d+/g, '') === '"read";r=99,"read";r=98,"read";r=97';
  }
  async function addUser(): Promise<string> {
    const user = {
      email: `u-${Date.now()}@shop.test`,
      name: 'Ursula',
      role: 'staff',
      password: 'correct horse battery',
    };
    await rest(fleet.haproxy.url, { method: 'POST', path: '/users', token: owner.accessToken, body: user });
    const { email, password } = user;
    const login = await rest<Session>(fleet.haproxy.url, {
      method: 'POST',
      path: '/auth/login',
      body: { email, password },
    });
    return login.body.accessToken;
  }
});
