import { expect, test } from 'vitest';
import { randomIds } from '../../platform/ids.ts';
import { hashOf, isSameHash, newSecret, prefixOf } from './secret.ts';

test('a key shows its prefix, and every single typo is told without the database', () => {
  const { prefix, secret, hash } = newSecret(randomIds);
  expect(secret).toMatch(/^olk_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}$/);
  expect(prefixOf(secret)).toBe(prefix);
  expect(secret.startsWith(`${prefix}_`)).toBe(true);
  expect(hash).toBe(hashOf(secret));
  for (let place = 0; place < secret.length; place++) {
    const other = secret[place] === 'a' ? 'b' : 'a';
    expect(prefixOf(secret.slice(0, place) + other + secret.slice(place + 1)), `typo at ${place}`).toBeNull();
  }
  for (const fake of [
    '',
    'olk_',
    secret.slice(0, -1),
    `${secret}0`,
    secret.toLowerCase(),
    `${prefix}_${'0'.repeat(49)}`,
  ])
    expect(prefixOf(fake), fake).toBeNull();
});

test('rotation keeps the prefix and nothing else', () => {
  const first = newSecret(randomIds);
  const second = newSecret(randomIds, first.prefix);
  expect(second.prefix).toBe(first.prefix);
  expect(second.secret).not.toBe(first.secret);
  expect(isSameHash(first.hash, second.hash)).toBe(false);
  expect(isSameHash(first.hash, hashOf(first.secret))).toBe(true);
  expect(isSameHash(first.hash, '')).toBe(false);
});

test('secrets do not repeat, and use all of base62', () => {
  const secrets = Array.from({ length: 500 }, () => newSecret(randomIds).secret);
  expect(new Set(secrets).size).toBe(500);
  expect(new Set(secrets.join('').replaceAll('_', '')).size).toBe(62);
});
