import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Session } from './contracts.ts';
import { memorySession, SessionKeeper } from './session.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const session = (name: string, expiresIn = 900) =>
  ({ accessToken: `access-${name}`, refreshToken: `refresh-${name}`, expiresIn, user: { id: 'u' } }) as Session;
const keeperWith = (exchange: () => Promise<Session>) =>
  new SessionKeeper({ store: memorySession(), exchange, onEnd: undefined });

test.each([0, 3, -3])('a clock that is %i hours off makes no difference', async (hours) => {
  vi.setSystemTime(Date.now() + hours * 3_600_000);
  const exchange = vi.fn(async () => session('b'));
  const keeper = keeperWith(exchange);
  await keeper.change(session('a'));
  vi.advanceTimersByTime(869_000);
  expect(await keeper.token()).toBe('access-a');
  vi.advanceTimersByTime(1_000);
  expect(await keeper.token()).toBe('access-b');
  expect(exchange).toHaveBeenCalledTimes(1);
});

test('a token that lives shortly is renewed at half its life', async () => {
  const keeper = keeperWith(async () => session('b', 10));
  await keeper.change(session('a', 10));
  expect(await keeper.renewalIn()).toBe(5_000);
  vi.advanceTimersByTime(5_000);
  expect(await keeper.token()).toBe('access-b');
});

test('a session of unknown age is used until it is refused', async () => {
  const exchange = vi.fn(async () => session('b'));
  const keeper = new SessionKeeper({ store: memorySession(session('a')), exchange, onEnd: undefined });
  expect(await keeper.token()).toBe('access-a');
  expect(await keeper.renewalIn()).toBeNull();
  expect(await Promise.all([keeper.renew('access-a'), keeper.renew('access-a')])).toEqual([true, true]);
  expect(await keeper.renew('access-a')).toBe(true);
  expect(exchange).toHaveBeenCalledTimes(1);
  expect(await keeper.token()).toBe('access-b');
});

test('listeners hear of tokens, and whether the user is gone', async () => {
  const keeper = keeperWith(async () => session('b'));
  const heard: unknown[] = [];
  const forget = keeper.onChange((change) => heard.push(change));
  await keeper.change(session('a'));
  await keeper.change(session('b'));
  await keeper.change(null);
  forget();
  await keeper.change(session('c'));
  expect(heard).toEqual([
    { token: 'access-a', ended: false },
    { token: 'access-b', ended: false },
    { token: null, ended: true },
  ]);
});
