import { contracts, type Session } from '@olympus/contracts';
import { sql } from '@olympus/database';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { fail } from '../../kernel/failure.ts';
import { smtpMailer } from '../../platform/mail.ts';
import { startMailbox, tokenOf, type Mailbox } from '../../platform/mailbox-testing.ts';
import { createAuth } from '../auth/index.ts';
import { callerWith, nobodyFollows, procedures, startTestKernel, type TestKernel } from '../testing.ts';
import { users } from '../users/procedures.ts';
import { createLetters } from './letters.ts';
import { account } from './procedures.ts';

const password = 'correct horse battery';
const fresh = 'another good password';
let olympus: TestKernel;
let mailbox: Mailbox;
let deliver: ReturnType<typeof createLetters>;
beforeAll(async () => {
  mailbox = await startMailbox();
  olympus = await startTestKernel({
    databaseUrl: process.env['TEST_DATABASE_URL'],
    procedures: ({ auth, cursors }) => [
      ...procedures('account', contracts.account, account(auth.account)),
      ...procedures('users', contracts.users, users({ cursors, account: auth.account, follow: nobodyFollows })),
    ],
  });
  const { database, clock, ids } = olympus;
  const mailer = smtpMailer({ url: mailbox.url, from: 'Olympus <no-reply@olympus.test>' });
  const links = {
    resetPassword: 'https://app.test/reset#token={token}',
    verifyEmail: 'https://app.test/verify#token={token}',
  };
  deliver = createLetters({ db: database.systemDb, mailer, clock, ids, links });
});
afterAll(async () => {
  await olympus.close();
  await mailbox.close();
});
beforeEach(() => void olympus.letters.splice(0));

const by = ({ accessToken }: Session) => ({ token: accessToken });
const login = (email: string, given = password) => olympus.call<Session>('auth.login', { email, password: given });
const codeOfLogin = async (email: string, given: string) =>
  (await olympus.refusal('auth.login', { email, password: given })).code;
const codeOfMe = async (session: Session) => (await olympus.refusal('auth.me', {}, by(session))).code;
const me = (session: Session) => olympus.call<{ emailVerifiedAt: Date | null }>('auth.me', {}, by(session));
/** Sends what was posted. */
const post = async () => {
  for (const letter of olympus.letters.splice(0)) await deliver(letter);
};
const mailed = async (email: string) => {
  await post();
  return mailbox.next(email);
};
const sentTo = (email: string) => mailbox.mails.filter(({ to }) => to === email).length;
/** A tenant whose owner has had the mail of the registration. */
const register = async () => {
  const session = await olympus.register();
  await mailed(session.user.email);
  return session;
};
const requestReset = (email: string) => olympus.call('account.requestPasswordReset', { email });
const reset = (token: string, newPassword = fresh) => olympus.call('account.resetPassword', { token, newPassword });
const refusedReset = async (token: string) =>
  (await olympus.refusal('account.resetPassword', { token, newPassword: fresh })).code;

describe('changing the password', () => {
  const change = (session: Session, currentPassword: string) =>
    olympus.call('account.changePassword', { currentPassword, newPassword: fresh }, by(session));

  test('ends all other sessions, keeps the one that calls, and is told by mail', async () => {
    const session = await register();
    const { email } = session.user;
    const other = await login(email);
    expect(await change(session, password)).toBeNull();
    expect(await codeOfMe(other)).toBe('UNAUTHENTICATED');
    await me(session);
    await olympus.call('auth.refresh', { refreshToken: session.refreshToken });
    expect(await codeOfLogin(email, password)).toBe('INVALID_CREDENTIALS');
    await login(email, fresh);
    expect(await mailed(email)).toMatchObject({ subject: 'Your password was changed' });
  });

  test('asks for the current one, and guesses wait as failed sign-ins do', async () => {
    const session = await register();
    const input = { currentPassword: 'wrong', newPassword: fresh };
    for (let n = 0; n < 5; n++)
      expect(await olympus.refusal('account.changePassword', input, by(session))).toEqual({
        code: 'WRONG_PASSWORD',
        data: null,
      });
    expect((await olympus.refusal('account.changePassword', input, by(session))).code).toBe('RATE_LIMITED');
    expect(await codeOfLogin(session.user.email, password)).toBe('RATE_LIMITED');
    expect(olympus.letters).toEqual([]);
  });

  test('of two at once, one is right', async () => {
    const session = await register();
    const outcomes = await Promise.allSettled([change(session, password), change(session, password)]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });
});

describe('a forgotten password', () => {
  test('is set anew by the token of a mail, once; all sessions end', async () => {
    const session = await register();
    const { email } = session.user;
    expect(await requestReset(email.toUpperCase())).toBeNull();
    const mail = await mailed(email);
    expect(mail).toMatchObject({ from: 'no-reply@olympus.test', subject: 'Set a new password' });
    expect(mail.text).toContain(`https://app.test/reset#token=${tokenOf(mail)}`);
    expect(await reset(tokenOf(mail))).toBeNull();
    expect(await codeOfMe(session)).toBe('UNAUTHENTICATED');
    expect(await codeOfLogin(email, password)).toBe('INVALID_CREDENTIALS');
    // The link came by mail, so the address is the user's.
    expect(await me(await login(email, fresh))).toMatchObject({ emailVerifiedAt: expect.any(Date) });
    expect(await refusedReset(tokenOf(mail))).toBe('INVALID_LINK');
    expect(await mailed(email)).toMatchObject({ subject: 'Your password was changed' });
  });

  test('asking answers the same for an address that is nobody’s, and sends nothing there', async () => {
    const email = `nobody-${randomUUID()}@shop.test`;
    expect(await requestReset(email)).toBeNull();
    expect(olympus.letters).toEqual([{ kind: 'resetPassword', email }]);
    await post();
    expect(sentTo(email)).toBe(0);
  });

  test('asking does the same work for both: neither looks at a user', async () => {
    const { user } = await register();
    const { database } = olympus;
    const systemTransaction = database.systemTransaction.bind(database);
    const alone = vi.spyOn(database.systemDb, 'rows');
    const inside = vi.fn();
    const transaction = vi
      .spyOn(database, 'systemTransaction')
      .mockImplementation((work) => systemTransaction((db) => work({ ...db, rows: inside })));
    await requestReset(user.email);
    await requestReset(`nobody-${randomUUID()}@shop.test`);
    expect([transaction.mock.calls.length, alone.mock.calls, inside.mock.calls]).toEqual([2, [], []]);
    vi.restoreAllMocks();
  });

  test('a token is of no use when it is old, invented, for another purpose, or its user is gone', async () => {
    const { user } = await register();
    await requestReset(user.email);
    const old = tokenOf(await mailed(user.email));
    olympus.clock.advance(30 * 60_000 + 1000);
    expect(await refusedReset(old)).toBe('INVALID_LINK');
    expect(await refusedReset('x'.repeat(43))).toBe('INVALID_LINK');
    await requestReset(user.email);
    const token = tokenOf(await mailed(user.email));
    expect((await olympus.refusal('account.verifyEmail', { token })).code).toBe('INVALID_LINK');
    await olympus.database.systemDb.rows(sql`update users set active = false where id = ${user.id}::uuid`);
    expect(await refusedReset(token)).toBe('INVALID_LINK');
    await requestReset(user.email);
    await post();
    expect(sentTo(user.email)).toBe(3);
  });

  test('a token of the old address does not open an account that has another', async () => {
    const session = await register();
    const { id, email } = session.user;
    await requestReset(email);
    const token = tokenOf(await mailed(email));
    await olympus.call('users.update', { id, email: `moved-${email}` }, by(session));
    expect(await refusedReset(token)).toBe('INVALID_LINK');
  });

  test('one token used makes the others void, and so does a change of the password', async () => {
    const session = await register();
    const { email } = session.user;
    await requestReset(email);
    const first = tokenOf(await mailed(email));
    await requestReset(email);
    const second = tokenOf(await mailed(email));
    await reset(second, password);
    expect(await refusedReset(first)).toBe('INVALID_LINK');
    await mailed(email);
    await requestReset(email);
    const third = tokenOf(await mailed(email));
    const input = { currentPassword: password, newPassword: fresh };
    await olympus.call('account.changePassword', input, by(await login(email)));
    expect(await refusedReset(third)).toBe('INVALID_LINK');
  });

  test('of five who use a token at once, one sets the password', async () => {
    const { user } = await register();
    await requestReset(user.email);
    const token = tokenOf(await mailed(user.email));
    const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => reset(token)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  test('five mails an hour are enough; one that could not be sent does not count', async () => {
    const { user } = await register();
    mailbox.refusing = true;
    await requestReset(user.email);
    const [letter] = olympus.letters.splice(0);
    await expect(deliver(letter!)).rejects.toThrow('out of order');
    mailbox.refusing = false;
    for (let n = 0; n < 7; n++) await requestReset(user.email);
    await post();
    expect(sentTo(user.email)).toBe(1 + 5);
    olympus.clock.advance(3_601_000);
    await requestReset(user.email);
    await post();
    expect(sentTo(user.email)).toBe(1 + 6);
  });

  test('tokens are kept as hashes', async () => {
    const { user } = await register();
    await requestReset(user.email);
    const token = tokenOf(await mailed(user.email));
    const rows = await olympus.database.systemDb.rows(sql`select * from mail_tokens where user_id = ${user.id}::uuid`);
    expect(rows.length).toBeGreaterThan(0);
    expect(JSON.stringify(rows)).not.toContain(token);
  });
});

describe('an e-mail address', () => {
  test('is verified by the mail of the registration, once', async () => {
    const session = await olympus.register();
    const { email } = session.user;
    expect(await me(session)).toMatchObject({ emailVerifiedAt: null });
    const mail = await mailed(email);
    expect(mail.text).toContain(`https://app.test/verify#token=${tokenOf(mail)}`);
    expect(await olympus.call('account.verifyEmail', { token: tokenOf(mail) })).toBeNull();
    expect(await me(session)).toMatchObject({ emailVerifiedAt: expect.any(Date) });
    const again = await olympus.refusal('account.verifyEmail', { token: tokenOf(mail) });
    expect(again).toEqual({ code: 'INVALID_LINK', data: null });
    await olympus.call('account.requestEmailVerification', { email });
    await post();
    expect(sentTo(email)).toBe(1);
  });

  test('is asked for before signing in, where the operator wants it', async () => {
    const { authOptions } = olympus;
    const config = { ...authOptions.config, requireVerifiedEmail: true };
    const { handlers } = createAuth({ ...authOptions, config });
    const { user } = await olympus.register();
    const signIn = (given: string) =>
      handlers.login({
        input: { email: user.email, password: given },
        ctx: { caller: callerWith(null), record: () => {}, clock: olympus.clock, requestId: 'test' } as never,
        fail,
      });
    await expect(signIn('wrong')).rejects.toMatchObject({ code: 'INVALID_CREDENTIALS' });
    await expect(signIn(password)).rejects.toMatchObject({ code: 'EMAIL_NOT_VERIFIED' });
    await olympus.call('account.verifyEmail', { token: tokenOf(await mailed(user.email)) });
    expect(await signIn(password)).toMatchObject({ user: { email: user.email } });
  });

  test('that changes is to be verified anew, and one that stays is not', async () => {
    const session = await olympus.register();
    const { id, email } = session.user;
    await olympus.call('account.verifyEmail', { token: tokenOf(await mailed(email)) });
    const whole = { id, email, name: 'Renamed', role: 'owner', active: true };
    await olympus.call('users.replace', whole, by(session));
    expect(await me(session)).toMatchObject({ emailVerifiedAt: expect.any(Date) });
    const other = `other-${email}`;
    await olympus.call('users.update', { id, email: other }, by(session));
    expect(await me(session)).toMatchObject({ emailVerifiedAt: null });
    await olympus.call('account.requestEmailVerification', { email: other });
    await olympus.call('account.verifyEmail', { token: tokenOf(await mailed(other)) });
    expect(await me(session)).toMatchObject({ emailVerifiedAt: expect.any(Date) });
  });
});
