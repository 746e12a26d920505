import { sql } from '@olympus/database';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startOlympus, type Olympus } from '../harness.ts';
import { protocolNames, protocolsOf, tree } from './protocols.ts';
import { countsOf, growth } from './rows.ts';
import { classified, sampleOf } from './sample.ts';
import { password, randomKey, Shop, unique } from './shop.ts';
import type { Answer, Protocol } from './wire.ts';

// Each test makes hundreds of calls.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });

let olympus: Olympus;
let protocols: Protocol[];
let shop: Shop;
let other: Shop;
/** A second owner of `shop`, who may do all that the first may. */
let colleague: { token: string };

beforeAll(async () => {
  olympus = await startOlympus();
  protocols = protocolsOf(olympus.url);
  [shop, other] = await Promise.all([Shop.open(olympus.app), Shop.open(olympus.app)]);
  const email = `${shop.mark}-second@shop.test`;
  await shop.make('users.create', { email, name: 'Second owner', role: 'owner', password });
  colleague = { token: (await shop.signIn(email)).accessToken };
});
afterAll(async () => {
  for (const protocol of protocols) protocol.close();
  await olympus.close();
});

const mutations = [...tree].filter(([, { kind }]) => kind === 'mutation');
const keyed = mutations.filter(([, { def }]) => def.idempotent !== false).map(([path]) => path);
const protocolOf = (name: string): Protocol => {
  const found = protocols.find((protocol) => protocol.name === name);
  if (!found) throw new Error(`no protocol ${name}`);
  return found;
};
const resultOf = ({ status, code, value }: Answer) => ({ status, code, value });

describe('mutations', () => {
  it('that keep no answers say so: those that anybody may call, and those with transactions of their own', () => {
    const silent = mutations.filter(
      ([, { def }]) => def.idempotent !== false && (def.access === 'public' || def.unitOfWork === 'own'),
    );
    expect(silent.map(([path]) => path)).toEqual([]);
    expect(keyed.length).toBeGreaterThan(15);
  });
});

/** The protocols in turn, so that each rule meets every mutation and every protocol. */
const inTurn = keyed.map((path, at) => ({ path, name: protocolNames[at % protocolNames.length] ?? 'REST' }));

describe('a key', () => {
  it.each(inTurn)('answers $path once over $name', async ({ path, name }) => {
    const protocol = protocolOf(name);
    const { token } = shop;
    const key = randomKey();
    const input = await sampleOf(path, shop);
    const call = { path, input, token, key };

    const first = await protocol.call(call);
    expect(first.code, first.text).toBe('OK');
    const before = await countsOf(olympus.app.database, shop.tenantId);
    const again = await protocol.call(call);
    expect(resultOf(again)).toEqual(resultOf(first));
    if (name === 'REST' || name === 'tRPC') expect(again.headers?.get('idempotency-replayed')).toBe('true');
    expect(first.headers?.get('idempotency-replayed') ?? null).toBeNull();

    const another = await sampleOf(path, shop);
    expect(another, `two samples of ${path} differ`).not.toEqual(input);
    const made = await countsOf(olympus.app.database, shop.tenantId);
    const changed = await protocol.call({ ...call, input: another });
    expect([changed.status, changed.code]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
    const elsewhere = path === 'customers.create' ? 'locations.create' : 'customers.create';
    const otherVerb = await protocol.call({ ...call, path: elsewhere, input: await sampleOf(elsewhere, shop) });
    expect([otherVerb.status, otherVerb.code]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
    expect(await countsOf(olympus.app.database, shop.tenantId)).toEqual(made);
    expect(growth(before, made)['idempotency_keys']).toBeUndefined();

    // The same key of another tenant, and of another user, has nothing to do with it.
    const theirs = await protocol.call({ path, key, input: await sampleOf(path, other), token: other.tokenFor(path) });
    const colleagues = classified(path).personal
      ? []
      : [await protocol.call({ path, key, input: another, token: colleague.token })];
    for (const independent of [theirs, ...colleagues]) {
      expect(independent.code, independent.text).toBe('OK');
      expect(independent.headers?.get('idempotency-replayed') ?? null).toBeNull();
      if (first.value) expect(independent.value).not.toEqual(first.value);
    }
    expect(resultOf(await protocol.call(call))).toEqual(resultOf(first));
  });
});

describe('a key', () => {
  it.each(keyed)(
    'has one effect however often %s comes at once, over every protocol, and when its caller leaves',
    async (path) => {
      const { token } = shop;
      const countsNow = () => countsOf(olympus.app.database, shop.tenantId);
      const alone = { path, input: await sampleOf(path, shop), token, key: randomKey() };
      const start = await countsNow();
      await protocolOf('tRPC').call(alone);
      const effect = growth(start, await countsNow());

      const raced = { path, input: await sampleOf(path, shop), token, key: randomKey() };
      const beforeRace = await countsNow();
      const answers = await Promise.all([...protocols, ...protocols].map((protocol) => protocol.call(raced)));
      expect(growth(beforeRace, await countsNow())).toEqual(effect);
      const done = answers.filter(({ code }) => code === 'OK').map(({ value }) => value || null);
      const waiting = answers.filter(({ code }) => code !== 'OK').map(({ status, code }) => [status, code]);
      expect(done.length).toBeGreaterThan(0);
      for (const value of done) expect(value).toEqual(done[0]);
      for (const answer of waiting) expect(answer).toEqual([409, 'IDEMPOTENCY_IN_PROGRESS']);

      const left = { path, input: await sampleOf(path, shop), token, key: randomKey() };
      const beforeLeaving = await countsNow();
      await leave(left);
      const repeated = await untilAnswered(() => protocolOf('REST').call(left));
      expect(repeated.code, repeated.text).toBe('OK');
      for (const protocol of protocols)
        expect((await protocol.call(left)).value || null).toEqual(repeated.value || null);
      expect(growth(beforeLeaving, await countsNow())).toEqual(effect);
    },
  );

  it.runIf(process.env['TEST_DATABASE_URL']).each(keyed)(
    'of %s that another process answers just now is told so, over every protocol',
    async (path) => {
      const key = randomKey();
      const input = await sampleOf(path, shop);
      const call = { path, input, key, token: shop.tokenFor(path) };
      await olympus.app.database.transaction(shop.tenantId, async (db) => {
        const name = `${shop.tenantId}:${shop.owner.user.id}:${key}`;
        await db.rows(sql`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`);
        for (const protocol of protocols) {
          const answer = await protocol.call(call);
          expect([answer.status, answer.code], protocol.name).toEqual([409, 'IDEMPOTENCY_IN_PROGRESS']);
        }
      });
      expect((await protocols[0]?.call(call))?.code).toBe('OK');
    },
  );

  it('keeps an expected refusal as it keeps a success', async () => {
    const code = `${shop.mark}-${unique()}`;
    await shop.make('customers.create', { name: 'First', code });
    for (const protocol of protocols) {
      const call = { path: 'customers.create', input: { name: 'Second', code }, token: shop.token, key: randomKey() };
      const first = await protocol.call(call);
      expect([first.status, first.code], first.text).toEqual([409, 'CUSTOMER_CODE_TAKEN']);
      const { id } = await holderOf(code);
      await shop.call('customers.update', { id, code: null });
      const again = await protocol.call(call);
      expect([again.status, again.code]).toEqual([409, 'CUSTOMER_CODE_TAKEN']);
      expect(again.failure?.data).toEqual({ code });
      await shop.call('customers.update', { id, code });
    }
  });

  it('is 1 to 255 visible characters, one for each call', async () => {
    const input = { name: `${shop.mark} never` };
    const before = await countsOf(olympus.app.database, shop.tenantId);
    for (const protocol of protocols)
      for (const key of ['k'.repeat(256), 'a b', 'ключ'].filter(
        (text) => protocol.name === 'WebSocket' || text !== 'ключ',
      )) {
        const answer = await protocol.call({ path: 'customers.create', input, token: shop.token, key });
        expect([answer.status, answer.code], `${protocol.name} ${key}`).toEqual([400, 'INVALID_INPUT']);
      }
    expect(await countsOf(olympus.app.database, shop.tenantId)).toEqual(before);
  });
});

async function holderOf(code: string): Promise<{ id: string }> {
  const { items } = await shop.call<{ items: { id: string; code: string | null }[] }>('customers.list', { q: code });
  const found = items.find((item) => item.code === code);
  if (!found) throw new Error(`nobody has ${code}`);
  return found;
}

/** Sends a call and goes away without its answer. */
async function leave(call: { path: string; input: unknown; token: string; key: string }): Promise<void> {
  const leaving = new AbortController();
  const sent = fetch(`${olympus.url}/trpc/${call.path}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${call.token}`,
      'idempotency-key': call.key,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ json: call.input }),
    signal: leaving.signal,
  }).catch(() => null);
  await sleep(1);
  leaving.abort();
  await sent;
}

async function untilAnswered(call: () => Promise<Answer>): Promise<Answer> {
  for (let attempt = 0; ; attempt++) {
    const answer = await call();
    if (answer.code !== 'IDEMPOTENCY_IN_PROGRESS' || attempt > 500) return answer;
    await sleep(5);
  }
}
