import { afterAll, beforeAll, expect, test } from 'vitest';
import { startOlympus, type Olympus, type Session } from '../harness.ts';
import { callFrom } from './calls-from.ts';

const password = 'correct horse battery';
let olympus: Olympus;
beforeAll(async () => {
  // The limits that a server has by itself.
  olympus = await startOlympus({ RATE_LIMITS: 'signIn=10/60', OLYMPUS_SIGN_IN_FAILURES: '100' });
}, 120_000);
afterAll(() => olympus.close());

const login = (from: string, email: string, given = password) =>
  callFrom<Session & { code?: string }>(olympus.url, '/auth/login', {
    from,
    method: 'POST',
    body: { email, password: given },
  });

test('a stranger’s flood keeps nobody out who signs in from elsewhere, and is throttled itself', async () => {
  const { user } = await olympus.tenant();
  const flood = async () => {
    const answers = await Promise.all(Array.from({ length: 40 }, () => login('127.0.0.66', user.email, 'a guess')));
    return answers.map(({ body }) => body.code);
  };
  for (let round = 0; round < 3; round++) {
    const codes = await flood();
    if (round > 0) expect(new Set(codes)).toEqual(new Set(['RATE_LIMITED']));
    expect(codes.filter((code) => code === 'INVALID_CREDENTIALS').length).toBeLessThanOrEqual(10);
    expect((await login('127.0.0.7', user.email)).status).toBe(200);
  }
  // Not even the right password gets the flood's address in.
  expect((await login('127.0.0.66', user.email)).status).toBe(429);
});

test('nor does asking for mails in somebody’s name use up what they may ask for', async () => {
  const { user } = await olympus.tenant();
  const ask = (from: string) =>
    callFrom(olympus.url, '/account/password-reset/request', { from, method: 'POST', body: { email: user.email } });
  const asked = await Promise.all(Array.from({ length: 20 }, () => ask('127.0.0.67')));
  expect(asked.filter(({ status }) => status === 429)).toHaveLength(10);
  expect((await ask('127.0.0.8')).status).toBe(204);
});
