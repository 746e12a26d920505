import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify, type JSONWebKeySet } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createStore, registerTenant, rest, type Session, type Store } from '../harness.ts';
import { openDatabase, type Database } from '@olympus/database';
import { systemClock } from '@olympus/server/platform/clock.ts';
import { listKeys, rotate } from '@olympus/server/platform/key-rotation.ts';
import { built, olympus, type Served } from '../processes.ts';

const { TEST_DATABASE_URL } = process.env;
const cacheSeconds = 1;
const tokenSeconds = 6;

// Three processes cannot share the embedded database.
describe.skipIf(!TEST_DATABASE_URL)('keys rotate under load on three replicas', () => {
  let store: Store;
  let replicas: Served[] = [];
  let database: Database;
  const env = () => ({
    ...store.env,
    OLYMPUS_JWKS_CACHE_SECONDS: String(cacheSeconds),
    OLYMPUS_ACCESS_TOKEN_SECONDS: String(tokenSeconds),
    RATE_LIMITS: 'off',
  });

  beforeAll(async () => {
    store = await createStore();
    replicas = await Promise.all([1, 2, 3].map(() => olympus(env())));
    database = await openDatabase({ url: store.env['DATABASE_URL'] ?? '', migrate: false });
  }, 240_000);
  afterAll(async () => {
    await database.close();
    await Promise.all(replicas.map((replica) => replica.stop()));
    await store.remove();
  });

  const at = (turn: number) => replicas[turn % replicas.length]!.url;
  const cli = async (...args: string[]) => {
    const command = [built('olympus'), 'keys', ...args];
    const { stdout } = await promisify(execFile)(process.execPath, command, {
      env: { ...process.env, ...env() },
    });
    return stdout;
  };
  const keySet = async (url: string) => {
    const response = await fetch(`${url}/.well-known/jwks.json`);
    return (await response.json()) as JSONWebKeySet;
  };
  const kidOf = ({ accessToken }: Session) => decodeProtectedHeader(accessToken).kid;
  const refresh = (turn: number, { refreshToken }: Session) =>
    rest<Session>(at(turn), { method: 'POST', path: '/auth/refresh', body: { refreshToken } });

  it('and no request fails, nor any check by a service that keeps the key set for its time', async () => {
    const faults: string[] = [];
    const signers = new Set<string>();
    let calls = 0;
    let checks = 0;
    let over = false;

    const client = async (first: number) => {
      let session = await registerTenant(at(first));
      let renewAt = performance.now() + tokenSeconds * 300;
      for (let turn = first; !over; turn++) {
        if (performance.now() > renewAt) {
          const renewed = await refresh(turn, session);
          if (renewed.status !== 200) faults.push(`refresh answered ${renewed.status}`);
          else session = renewed.body;
          renewAt = performance.now() + tokenSeconds * 300;
        }
        signers.add(kidOf(session) ?? '');
        const { status } = await rest(at(turn), { path: '/auth/me', token: session.accessToken });
        calls++;
        if (status !== 200) faults.push(`a call answered ${status}`);
        await sleep(5);
      }
    };
    /** A service that never asks earlier than the answer's age allows, whatever it meets. */
    const service = async () => {
      let session = await registerTenant(at(0));
      let known = await keySet(at(0));
      let knownUntil = performance.now() + cacheSeconds * 1000;
      for (let turn = 0; !over; turn++) {
        if (performance.now() > knownUntil) {
          known = await keySet(at(turn));
          knownUntil = performance.now() + cacheSeconds * 1000;
        }
        const renewed = await refresh(turn, session);
        if (renewed.status !== 200) faults.push(`a service's refresh answered ${renewed.status}`);
        else session = renewed.body;
        checks++;
        await jwtVerify(session.accessToken, createLocalJWKSet(known)).catch((error: Error) =>
          faults.push(`a service refused a token: ${error.message}`),
        );
        await sleep(50);
      }
    };
    const load = Promise.all([...[0, 1, 2, 3, 4, 5].map(client), service()]);

    for (let round = 0; round < 3; round++) {
      const { kid } = await rotate({ database, clock: systemClock }, cacheSeconds);
      for (const { url } of replicas)
        await expect.poll(async () => (await keySet(url)).keys.map((key) => key.kid), { timeout: 2000 }).toContain(kid);
      await expect.poll(() => signers.has(kid), { timeout: 10_000, interval: 100 }).toBe(true);
    }
    over = true;
    await load;
    expect(faults).toEqual([]);
    expect(signers.size).toBeGreaterThanOrEqual(4);
    expect(calls).toBeGreaterThan(50);
    expect(checks).toBeGreaterThan(10);
  }, 120_000);

  it('a compromised key is refused everywhere within a second or so, and sessions go on', async () => {
    let session = await registerTenant(at(0));
    const me = (turn: number, { accessToken }: Session) => rest(at(turn), { path: '/auth/me', token: accessToken });
    const oldKeys = (await keySet(at(0))).keys.map(({ kid }) => kid);
    let done = false;
    const rotating = cli('rotate', '--now').finally(() => (done = true));
    let last = session;
    while (!done) {
      session = (await refresh(0, session)).body;
      if (oldKeys.includes(kidOf(session))) last = session;
      await sleep(50);
    }
    expect(await rotating).toContain('signs now');
    for (const { url } of replicas)
      await expect
        .poll(async () => (await keySet(url)).keys.some(({ kid }) => oldKeys.includes(kid)), { timeout: 2000 })
        .toBe(false);
    for (const turn of [0, 1, 2]) expect((await me(turn, last)).status).toBe(401);
    // Refused for its key, not for its age.
    expect((decodeJwt(last.accessToken).exp ?? 0) * 1000).toBeGreaterThan(Date.now());
    const { body: renewed } = await refresh(1, session);
    for (const turn of [0, 1, 2]) expect((await me(turn, renewed)).status).toBe(200);
    const keys = await listKeys({ database, clock: systemClock });
    expect(keys.flatMap(({ record, state }) => (state === 'retired' ? [] : [[record.kid, state]]))).toEqual([
      [kidOf(renewed), 'current'],
    ]);
    for (const { url } of replicas) expect((await keySet(url)).keys.map(({ kid }) => kid)).toEqual([kidOf(renewed)]);
  }, 60_000);
});
