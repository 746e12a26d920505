import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createStore, registerTenant, rest, type Session, type Store } from '../harness.ts';
import { olympus, type Served } from '../processes.ts';
import { findProgram } from '../services.ts';

const isHere = findProgram('faketime') !== null;
const password = 'correct horse battery';
let folder: string;
let store: Store;
const started: Served[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'olympus-clock-'));
  store = await createStore();
});
afterAll(async () => {
  for (const served of started) await served.stop();
  await store.remove();
  await rm(folder, { recursive: true, force: true });
});

/** A server whose clock is set by libfaketime: `+3h` sets it three hours ahead. */
async function serverOfClock(): Promise<Served & { readonly set: (offset: string) => Promise<void> }> {
  const file = join(folder, randomUUID());
  await writeFile(file, '+0');
  const served = await olympus({
    ...store.env,
    RATE_LIMITS: 'off',
    // The loader puts the library's folder where $LIB is.
    LD_PRELOAD: '/usr/$LIB/faketime/libfaketimeMT.so.1',
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_CACHE_DURATION: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  });
  started.push(served);
  const set = async (offset: string) => {
    await writeFile(file, offset);
    await sleep(2000);
  };
  return Object.assign(served, { set });
}

const statusOf = async (url: string, token: string) => (await rest(url, { path: '/auth/me', token })).status;
const post = <T>(url: string, path: string, body: object, token?: string) =>
  rest<T>(url, { method: 'POST', path, body, ...(token && { token }) });
const hoursAt = async (url: string) =>
  Math.round((Date.parse((await fetch(`${url}/health/live`)).headers.get('date') ?? '') - Date.now()) / 3_600_000);

describe.runIf(isHere)('a clock that jumps by three hours', () => {
  it('ahead, back and to where it was turns nobody away who signs in again, and loses nothing', async () => {
    const { url, set } = await serverOfClock();
    const session = await registerTenant(url);
    const { email } = session.user;
    const made: string[] = [];
    for (const hours of [3, -3, 0]) {
      await set(`${hours < 0 ? '' : '+'}${hours}h`);
      expect(await hoursAt(url)).toBeCloseTo(hours);
      // A token lives for 15 minutes.
      expect(await statusOf(url, session.accessToken)).toBe(hours > 0 ? 401 : 200);
      const again = await post<Session>(url, '/auth/login', { email, password });
      expect(again.status).toBe(200);
      const { accessToken, refreshToken } = again.body;
      expect(await statusOf(url, accessToken)).toBe(200);
      expect((await post(url, '/auth/refresh', { refreshToken })).status).toBe(200);
      const customer = await post<{ id: string }>(url, '/customers', { name: `At ${hours}` }, accessToken);
      expect(customer.status).toBe(201);
      made.push(customer.body.id);
      for (const id of made)
        expect((await rest(url, { path: `/customers/${id}`, token: accessToken })).status).toBe(200);
      expect((await rest(url, { path: '/audit/verify', token: accessToken })).status).toBe(200);
    }
  });
});

// The embedded database has one process.
describe.runIf(isHere && process.env['TEST_DATABASE_URL'])('replicas whose clocks are three hours apart', () => {
  it('know what either gave out, or say that it is no good, and none fails', async () => {
    const [right, wrong] = [await serverOfClock(), await serverOfClock()];
    const { user } = await registerTenant(right.url);
    for (const offset of ['+3h', '-3h']) {
      await wrong.set(offset);
      for (const [from, to] of [
        [right, wrong],
        [wrong, right],
      ] as const) {
        const { status, body } = await post<Session>(from.url, '/auth/login', { email: user.email, password });
        expect(status).toBe(200);
        expect(await statusOf(from.url, body.accessToken)).toBe(200);
        expect([200, 401]).toContain(await statusOf(to.url, body.accessToken));
        const customer = await post<{ id: string }>(from.url, '/customers', { name: offset }, body.accessToken);
        expect(customer.status).toBe(201);
        const theirs = await post<Session>(to.url, '/auth/login', { email: user.email, password });
        const token = theirs.body.accessToken;
        expect((await rest(to.url, { path: `/customers/${customer.body.id}`, token })).status).toBe(200);
      }
    }
  });
});
