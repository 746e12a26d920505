import type { Session } from '@olympus/contracts';
import { sql } from '@olympus/database';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { Failure } from '../../kernel/failure.ts';
import { callerWith, startTestKernel, type TestKernel } from '../testing.ts';
import { createAttempts, networkOf } from './attempts.ts';

const password = 'correct horse battery';
let olympus: TestKernel;
beforeAll(async () => {
  olympus = await startTestKernel({ databaseUrl: process.env['TEST_DATABASE_URL'] });
});
afterAll(() => olympus.close());
// Time stands still save where it is moved, however slow the machine.
beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: Date.now() }));
afterEach(() => void vi.useRealTimers());

/** The code of the refusal with the seconds to wait, or `ok`. */
async function login(email: string, given: string, address = '198.51.100.7'): Promise<string> {
  try {
    await olympus.kernel.execute({
      procedure: olympus.kernel.byPath.get('auth.login')!,
      caller: { ...callerWith(null), address },
      input: { email, password: given },
      signal: new AbortController().signal,
    });
    return 'ok';
  } catch (error) {
    const { code, retryAfter } = error as Failure;
    return retryAfter === null ? code : `${code} ${retryAfter}`;
  }
}
const attemptsOf = (perAddress: number) =>
  createAttempts({ ...olympus.authOptions, db: olympus.database.systemDb, perAddress });
const wrong = 'INVALID_CREDENTIALS' as const;
const fail = async (email: string, times: number, address?: string) => {
  for (let n = 0; n < times; n++) expect(await login(email, 'wrong', address)).toBe(wrong);
};

describe('an account', () => {
  test('waits after five failures, twice as long each time, up to 15 minutes; a success clears it', async () => {
    const { user } = await olympus.register();
    await fail(user.email, 5);
    for (const seconds of [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]) {
      // The right password has to wait too, or waiting would cost a guesser nothing.
      expect(await login(user.email, password)).toBe(`RATE_LIMITED ${seconds}`);
      olympus.clock.advance(seconds * 1000);
      await fail(user.email, 1);
    }
    olympus.clock.advance(900_000);
    expect(await login(user.email, password)).toBe('ok');
    await fail(user.email, 5);
    expect(await login(user.email, 'wrong')).toBe('RATE_LIMITED 1');
  });

  test('that is unknown waits just the same', async () => {
    const email = 'nobody-at-all@shop.test';
    await fail(email, 5);
    expect(await login(email, 'wrong')).toBe('RATE_LIMITED 1');
    expect(await login(email.toUpperCase(), 'wrong')).toBe('RATE_LIMITED 1');
  });

  test('is not locked for those elsewhere', async () => {
    const { user } = await olympus.register();
    await fail(user.email, 5, '2001:db8:1:1::1');
    expect(await login(user.email, password, '2001:db8:1:1:ffff::2')).toBe('RATE_LIMITED 1');
    expect(await login(user.email, password, '2001:db8:1:2::1')).toBe('ok');
    expect(await login(user.email, password, '198.51.100.8')).toBe('ok');
  });

  test('that many networks try waits for all but those where its user has signed in before', async () => {
    const attempts = attemptsOf(50);
    const home = '203.0.113.9';
    const { user } = await olympus.register();
    expect(await login(user.email, password, home)).toBe('ok');
    const attempt = async (email: string, address: string, code?: 'INVALID_CREDENTIALS') => {
      const judge = async () => (code ? Promise.reject(new Failure(code, null)) : 'ok');
      return attempts.guard({ email, address }, judge).catch((error: Failure) => error.code);
    };
    const flood = (email: string) =>
      Promise.all(Array.from({ length: 60 }, (_, n) => attempt(email, `2001:db8:9:${n}::1`, wrong)));
    for (const email of [user.email, 'never-seen@shop.test'])
      expect((await flood(email)).filter((code) => code === wrong)).toHaveLength(50);
    for (let round = 0; round < 3; round++) {
      expect(await attempt(user.email, '198.51.100.77')).toBe('RATE_LIMITED');
      expect(await attempt('never-seen@shop.test', home)).toBe('RATE_LIMITED');
      expect(await attempt(user.email, home)).toBe('ok');
    }
    // Somebody at home who guesses waits as anywhere.
    for (let n = 0; n < 5; n++) expect(await attempt(user.email, home, wrong)).toBe(wrong);
    expect(await attempt(user.email, home)).toBe('RATE_LIMITED');
    olympus.clock.advance(3_600_000);
    expect(await attempt(user.email, '198.51.100.77')).toBe('ok');
  });

  test('is tried ten times by a hundred attempts at once, on whichever replica', async () => {
    const replicas = [0, 1, 2].map(() => attemptsOf(1e6));
    let judged = 0;
    const attempt = (n: number) =>
      replicas[n % 3]!.guard({ email: 'crowd@shop.test', address: '192.0.2.1' }, async () => {
        judged++;
        throw new Failure('INVALID_CREDENTIALS', null);
      }).catch((error: Failure) => error.code);
    const codes = await Promise.all(Array.from({ length: 100 }, (_, n) => attempt(n)));
    expect(judged).toBe(10);
    expect(codes.filter((code) => code === 'RATE_LIMITED')).toHaveLength(90);
  });

  test('forgets failures after a day', async () => {
    const { user } = await olympus.register();
    await fail(user.email, 4);
    olympus.clock.advance(86_401_000);
    await fail(user.email, 5);
    expect(await login(user.email, 'wrong')).toBe('RATE_LIMITED 1');
  });

  test('counts neither what was no answer to a password nor its own successes', async () => {
    const attempts = attemptsOf(12);
    const tried = { email: 'flaky@shop.test', address: '192.0.2.2' };
    for (let n = 0; n < 30; n++) {
      const code = n % 2 ? 'UNAVAILABLE' : 'SECOND_FACTOR_REQUIRED';
      const data = n % 2 ? { retryAfter: 1 } : null;
      const work = async () => Promise.reject(new Failure(code, data as never));
      await expect(attempts.guard(tried, work)).rejects.toMatchObject({ code });
      expect(await attempts.guard(tried, async () => n)).toBe(n);
    }
  });
});

describe('a network', () => {
  test('that tries many accounts waits for all of them, for an hour', async () => {
    const { clock } = olympus;
    const attempts = attemptsOf(20);
    const spray = (n: number, address = '203.0.113.5') =>
      attempts
        .guard({ email: `victim${n}@shop.test`, address }, () =>
          Promise.reject(new Failure('INVALID_CREDENTIALS', null)),
        )
        .catch((error: Failure) => `${error.code} ${error.retryAfter}`);
    for (let n = 0; n < 20; n++) expect(await spray(n)).toBe('INVALID_CREDENTIALS null');
    expect(await spray(21)).toBe('RATE_LIMITED 1');
    clock.advance(1000);
    expect(await spray(22)).toBe('INVALID_CREDENTIALS null');
    expect(await spray(23)).toBe('RATE_LIMITED 2');
    expect(await spray(24, '203.0.113.6')).toBe('INVALID_CREDENTIALS null');
    clock.advance(3_600_000);
    for (let n = 30; n < 49; n++) expect(await spray(n)).toBe('INVALID_CREDENTIALS null');
  });

  test.each([
    ['203.0.113.5', '203.0.113.5'],
    ['::ffff:203.0.113.5', '203.0.113.5'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:0:0:1::', '2001:db8:0:0::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['unknown', 'unknown'],
  ])('of %s is %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });
});

test('the counts name nobody', async () => {
  const session: Session = await olympus.register();
  await fail(session.user.email, 1, '198.51.100.99');
  const rows = await olympus.database.systemDb.rows<{ key: string }>(sql`select key from sign_in_failures`);
  expect(rows.length).toBeGreaterThan(0);
  expect(JSON.stringify(rows)).not.toMatch(/@|198\.51/);
});
