import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify, type JSONWebKeySet } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { registerTenant, rest, type Session } from '../harness.ts';
import { built } from '../processes.ts';
import { canRun, note, startFleet, type Fleet } from './fleet.ts';

const cacheSeconds = 1;
const tokenSeconds = 5;
const password = 'correct horse battery';
const kidOf = (token: string): string => decodeProtectedHeader(token).kid ?? '';
const expiryOf = (token: string): number => (decodeJwt(token).exp ?? 0) * 1000;

describe.skipIf(!canRun)(`keys rotate under load through haproxy${note}`, () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await startFleet({
      OLYMPUS_JWKS_CACHE_SECONDS: String(cacheSeconds),
      OLYMPUS_ACCESS_TOKEN_SECONDS: String(tokenSeconds),
      RATE_LIMITS: 'off',
    });
  }, 240_000);
  afterAll(() => fleet?.stop());

  const rotate = async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [built('olympus'), 'keys', 'rotate'], {
      env: { ...process.env, ...fleet.env },
    });
    return /^(\S+) is published and signs from (\S+) on/.exec(stdout)?.slice(1) ?? [stdout];
  };
  const keySet = async (url: string, headers: Record<string, string> = {}) => {
    const answer = await fetch(`${url}/.well-known/jwks.json`, { headers });
    const text = await answer.text();
    const keys = answer.status === 200 ? (JSON.parse(text) as JSONWebKeySet).keys : [];
    return { status: answer.status, headers: answer.headers, keys, kids: keys.map(({ kid }) => kid ?? '') };
  };
  const kidsEverywhere = async () =>
    (await Promise.all(fleet.replicas.map(({ url }) => keySet(url)))).map(({ kids }) => kids.sort().join());
  const me = (url: string, token: string) => rest(url, { path: '/auth/me', token });

  it('no call fails, the old key is good until its last token ends, and every replica publishes both meanwhile', async () => {
    const { url } = fleet.haproxy;
    const faults: string[] = [];
    const counts = { calls: 0, signIns: 0 };
    /** The tokens by the key that signed them, the newest of each. */
    const newest = new Map<string, string>();
    let over = false;
    const fault = (what: string) => (error: unknown) => void faults.push(`${what}: ${String(error)}`);
    const must = (what: string, { status }: { status: number }) => {
      if (status !== 200) faults.push(`${what} answered ${status}`);
    };

    const caller = async () => {
      let session = await registerTenant(url, { password });
      let renewAt = 0;
      while (!over) {
        if (performance.now() > renewAt) {
          const body = { refreshToken: session.refreshToken };
          const renewed = await rest<Session>(url, { method: 'POST', path: '/auth/refresh', body });
          must('a refresh', renewed);
          if (renewed.status === 200) session = renewed.body;
          renewAt = performance.now() + tokenSeconds * 300;
        }
        must('a call', await me(url, session.accessToken));
        counts.calls++;
        await sleep(10);
      }
    };
    /** Signs in again and again, and checks what it is given as services do that keep the key set for as long as they may. */
    const signer = async () => {
      const { user } = await registerTenant(url, { password });
      let known = await keySet(url);
      let knownUntil = 0;
      while (!over) {
        if (performance.now() > knownUntil) {
          knownUntil = performance.now() + cacheSeconds * 1000;
          known = await keySet(url);
        }
        const body = { email: user.email, password };
        const signedIn = await rest<Session>(url, { method: 'POST', path: '/auth/login', body });
        must('a sign-in', signedIn);
        if (signedIn.status !== 200) continue;
        const token = signedIn.body.accessToken;
        counts.signIns++;
        newest.set(kidOf(token), token);
        await jwtVerify(token, createLocalJWKSet({ keys: known.keys })).catch(fault('a check with the kept key set'));
        for (const replica of fleet.replicas) must('a call right after a sign-in', await me(replica.url, token));
        await sleep(100);
      }
    };
    const load = Promise.all([
      ...[1, 2, 3, 4].map(() => caller().catch(fault('a caller'))),
      signer().catch(fault('who signs in')),
    ]);

    await expect.poll(() => newest.size, { timeout: 10_000 }).toBe(1);
    const [old = ''] = newest.keys();
    expect(await kidsEverywhere()).toEqual([old, old, old]);
    const rotating = rotate();
    // Looked at from now on: the command line may end long after the key is there.
    const isTwice = async () => (await kidsEverywhere()).every((kids) => kids.includes(','));
    await expect.poll(isTwice, { timeout: 20_000, interval: 50 }).toBe(true);
    expect([...newest.keys()], 'what has signed before every replica has the new key').toEqual([old]);
    const [fresh = '', from = ''] = await rotating;
    const both = [old, fresh].sort().join();
    expect(await kidsEverywhere()).toEqual([both, both, both]);
    for (const replica of fleet.replicas) {
      const { headers } = await keySet(replica.url);
      expect(headers.get('cache-control')).toBe(`public, max-age=${cacheSeconds}`);
      const etag = headers.get('etag') ?? '';
      expect(await keySet(replica.url, { 'if-none-match': etag })).toMatchObject({ status: 304, kids: [] });
    }

    await expect.poll(() => newest.has(fresh), { timeout: 10_000, interval: 50 }).toBe(true);
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(from));
    const last = newest.get(old) ?? '';
    let accepted = 0;
    for (let turn = 0; Date.now() < expiryOf(last); turn++) {
      const { status } = await me(fleet.replicas[turn % 3]!.url, last);
      // What a slow machine answers after the token's end is no fault.
      if (status === 200) accepted = Date.now();
      else if (Date.now() < expiryOf(last))
        faults.push(`the old key was refused ${expiryOf(last) - Date.now()} ms early`);
      await sleep(50);
    }
    expect(expiryOf(last) - accepted, 'the old key was good until').toBeLessThan(1_000);
    for (const replica of fleet.replicas) expect((await me(replica.url, last)).status).toBe(401);
    expect(await kidsEverywhere()).toEqual([both, both, both]);
    await expect.poll(kidsEverywhere, { timeout: 10_000, interval: 100 }).toEqual([fresh, fresh, fresh]);

    over = true;
    await load;
    expect(faults).toEqual([]);
    expect(counts.calls).toBeGreaterThan(200);
    expect(counts.signIns).toBeGreaterThan(20);
    for (const replica of fleet.replicas)
      expect(await (await fetch(`${replica.url}/metrics`)).text()).toMatch(
        /olympus_call_duration_seconds_count\{procedure="auth.login",protocol="rest"\} [1-9]/,
      );
  }, 120_000);
});
