import { expect, test } from 'vitest';
import { standingAt, type KeyRecord } from './key-ring.ts';

const second = (n: number) => new Date(Date.UTC(2030, 0, 1) + n * 1000);
const key = (kid: string, signsFrom: number, rest: Partial<KeyRecord> = {}): KeyRecord => ({
  kid,
  material: { kty: 'OKP' },
  createdAt: second(signsFrom),
  signsFrom: second(signsFrom),
  tokenSeconds: 900,
  revokedAt: null,
  ...rest,
});
const statesAt = (records: KeyRecord[], at: number) =>
  Object.fromEntries(standingAt(records, second(at)).map(({ record, state }) => [record.kid, state]));

test('a key waits, signs, verifies until the last of its tokens has expired, and is gone', () => {
  const keys = [key('a', 0), key('b', 1000)];
  expect(statesAt(keys, 999)).toEqual({ a: 'current', b: 'next' });
  expect(statesAt(keys, 1000)).toEqual({ a: 'previous', b: 'current' });
  expect(statesAt(keys, 1904)).toEqual({ a: 'previous', b: 'current' });
  expect(statesAt(keys, 1905)).toEqual({ a: 'retired', b: 'current' });
});

test('a revoked key is gone at once, and nothing that it had replaced comes back', () => {
  const keys = [key('a', 0), key('b', 1000, { revokedAt: second(5000) }), key('c', 5000)];
  expect(statesAt(keys, 5000)).toEqual({ a: 'retired', b: 'retired', c: 'current' });
});

test('one that was revoked before it signed has replaced nothing', () => {
  const keys = [key('a', 0), key('b', 1000, { revokedAt: second(500) })];
  expect(statesAt(keys, 9000)).toEqual({ a: 'current', b: 'retired' });
});

test('by a clock that is late for all keys the first one signs', () => {
  expect(statesAt([key('a', 0), key('b', 1000)], -10_800)).toEqual({ a: 'current', b: 'next' });
  const revoked = [key('a', 0, { revokedAt: second(500) }), key('b', 500)];
  expect(statesAt(revoked, -10_800)).toEqual({ a: 'retired', b: 'current' });
});
