import { openDatabase, type Database } from '@olympus/database';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { listKeys, retire, rotate, rotateNow, tendKeys } from './key-rotation.ts';
import { loadKeys, type Keys } from './keys.ts';
import { randomIds } from './ids.ts';

let dataDir: string;
let database: Database;
let keys: Keys;
let now = Date.UTC(2030, 0, 1);
const clock = { now: () => new Date(now) };
const log = { error: vi.fn() };
let stop: () => void;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'olympus-rotation-'));
  database = await openDatabase({ dataDir });
  keys = await loadKeys(database, clock, randomIds);
  stop = await keys.follow({ tokenSeconds: 900, log });
});
afterAll(async () => {
  stop();
  await database.close();
  await rm(dataDir, { recursive: true });
});

const parts = () => ({ database, clock });
const states = async () => (await listKeys(parts())).map(({ record, state }) => [record.kid, state]);
const after = (seconds: number) => void (now += seconds * 1000);
const seen = (kid: string) => vi.waitFor(() => expect(keys.find(kid)).toBeDefined(), { timeout: 3000 });

test('a new key is published at once and signs once everybody can know it', async () => {
  const first = keys.signer().kid;
  const { kid, from, made } = await rotate(parts(), 300);
  expect(made).toBe(true);
  expect(from.getTime() - now).toBeGreaterThan(300_000);
  await seen(kid);
  expect(keys.published().keys.map((jwk) => jwk.kid)).toEqual([kid, first]);
  expect(keys.signer().kid).toBe(first);
  expect(await rotate(parts(), 300)).toEqual({ kid, from, made: false });
  now = from.getTime();
  expect(keys.signer().kid).toBe(kid);
  expect(await states()).toEqual([
    [kid, 'current'],
    [first, 'previous'],
  ]);
  expect(await retire(parts(), kid)).toBe('current');
  after(906);
  expect(keys.find(first)).toBeUndefined();
  await tendKeys(parts(), { rotationDays: 0, jwksCacheSeconds: 300 });
  expect(await states()).toEqual([[kid, 'current']]);
});

test('a look that an unknown kid asks for happens at most once a second', async () => {
  const asked = vi.spyOn(database.systemDb, 'rows');
  await Promise.all(Array.from({ length: 500 }, (_, n) => keys.findAfresh(`unknown ${n}`)));
  expect(asked.mock.calls.length).toBeLessThanOrEqual(2);
  asked.mockRestore();
});

test('a compromised key and all before it end at once', async () => {
  const { kid: old } = keys.signer();
  const { kid, revoked } = await rotateNow(parts());
  expect(revoked).toEqual([old]);
  await seen(kid);
  expect([keys.signer().kid, keys.find(old)]).toEqual([kid, undefined]);
  expect(keys.published().keys).toHaveLength(1);
});

test('keys are replaced by the clock where that is wanted, one at a time', async () => {
  const tend = (rotationDays: number) => tendKeys(parts(), { rotationDays, jwksCacheSeconds: 300 });
  after(90 * 86_400 - 1);
  await tend(90);
  expect(await states()).toHaveLength(1);
  after(1);
  await tend(0);
  expect(await states()).toHaveLength(1);
  await tend(90);
  await tend(90);
  expect((await states()).map(([, state]) => state)).toEqual(['next', 'current']);
  const [next] = await states();
  expect(await retire(parts(), next?.[0] ?? '')).toBe('retired');
  expect(await retire(parts(), 'nothing')).toBe('unknown');
  expect(log.error).not.toHaveBeenCalled();
});
