import { startMailbox, type Mailbox } from '@olympus/server/platform/mailbox-testing.ts';
import { randomUUID } from 'node:crypto';
import { URI, type TOTP } from 'otpauth';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rest, startOlympus, type Olympus, type Session } from '../harness.ts';

type Refusal = { code: string; detail: string };
type Codes = { recoveryCodes: string[] };

const password = 'correct horse battery';
let olympus: Olympus;
let mailbox: Mailbox;
let owner: Session;
beforeAll(async () => {
  mailbox = await startMailbox();
  olympus = await startOlympus({ SMTP_URL: mailbox.url, MAIL_FROM: 'no-reply@olympus.test' });
  owner = await olympus.tenant();
}, 120_000);
afterAll(async () => {
  await olympus.close();
  await mailbox.close();
});

const post = <T = Refusal>(path: string, body: unknown, session?: Session) =>
  rest<T>(olympus.url, { method: 'POST', path, body, ...(session && { token: session.accessToken }) });
const signIn = (email: string, code?: string) => post<Session & Refusal>('/auth/login', { email, password, code });
async function employ(role: string): Promise<Session> {
  const email = `${randomUUID()}@shop.test`;
  await post('/users', { email, name: 'Emma', role, password }, owner);
  return (await signIn(email)).body;
}
/** Turns a second factor on; its code of the next step is good still. */
async function protect(session: Session) {
  const { uri } = (await post<{ uri: string }>('/account/totp', { password }, session)).body;
  const device = URI.parse(uri) as TOTP;
  const { recoveryCodes } = (await post<Codes>('/account/totp/confirm', { code: device.generate() }, session)).body;
  return { recoveryCodes, next: () => device.generate({ timestamp: Date.now() + 30_000 }) };
}
const reset = ({ user }: Session, by: Session) => post(`/users/${user.id}/reset-second-factor`, undefined, by);
const isIn = async ({ accessToken: token }: Session) => (await rest(olympus.url, { path: '/auth/me', token })).status;

describe('a lost second factor', () => {
  test('is turned off by an admin: sessions end, a mail tells it, the audit log too', async () => {
    const [admin, staff] = [await employ('admin'), await employ('staff')];
    await protect(staff);
    expect((await signIn(staff.user.email)).body.code).toBe('SECOND_FACTOR_REQUIRED');
    expect((await reset(staff, admin)).status).toBe(204);
    await expect.poll(() => isIn(staff), { timeout: 1000 }).toBe(401);
    expect((await post('/auth/refresh', { refreshToken: staff.refreshToken })).status).toBe(401);
    const mail = await mailbox.next(staff.user.email);
    expect(mail.subject).toBe('Your second factor was turned off');
    expect((await signIn(staff.user.email)).status).toBe(200);
    const path = `/audit?procedure=users.resetSecondFactor&resourceId=${staff.user.id}`;
    const logged = async () =>
      (await rest<{ items: object[] }>(olympus.url, { path, token: owner.accessToken })).body.items;
    await expect.poll(logged, { timeout: 5000 }).toMatchObject([{ outcome: 'success', userId: admin.user.id }]);
  });

  test('nothing happens to a user who has none', async () => {
    const [admin, staff] = [await employ('admin'), await employ('staff')];
    expect((await reset(staff, admin)).status).toBe(204);
    expect(await isIn(staff)).toBe(200);
    expect(mailbox.mails.filter(({ to }) => to === staff.user.email)).toEqual([]);
  });

  test('is refused to those below, to those without the permission, to strangers, and for oneself', async () => {
    const [admin, manager, stranger] = [await employ('admin'), await employ('manager'), await olympus.tenant()];
    await protect(owner);
    await protect(admin);
    const codeOf = async (whose: Session, by: Session) => {
      const { status, body } = await reset(whose, by);
      return `${status} ${body.code}`;
    };
    expect(await codeOf(owner, admin)).toBe('403 ROLE_TOO_HIGH');
    expect(await codeOf(admin, manager)).toBe('403 FORBIDDEN');
    expect(await codeOf(admin, stranger)).toBe('404 USER_NOT_FOUND');
    const own = await reset(admin, admin);
    expect(own.body).toMatchObject({ code: 'FORBIDDEN', detail: expect.stringContaining('account.totp.disable') });
    expect((await signIn(admin.user.email)).body.code).toBe('SECOND_FACTOR_REQUIRED');
    expect((await signIn(owner.user.email)).body.code).toBe('SECOND_FACTOR_REQUIRED');
  });
});

describe('recovery codes', () => {
  test('are renewed by password and code; the old ones die and the new ones work, once', async () => {
    const staff = await employ('staff');
    const renew = (body: object) => post<Codes & Refusal>('/account/totp/recovery-codes', body, staff);
    expect((await renew({ password, code: '123456' })).body.code).toBe('TOTP_NOT_ENROLLED');
    const { recoveryCodes: old, next } = await protect(staff);
    expect((await renew({ password: 'wrong', code: next() })).body.code).toBe('WRONG_PASSWORD');
    expect((await renew({ password, code: '000000' })).body.code).toBe('INVALID_SECOND_FACTOR');
    const { status, body } = await renew({ password, code: next() });
    expect([status, new Set([...old, ...body.recoveryCodes]).size]).toEqual([200, 20]);
    expect((await signIn(staff.user.email, old[0])).body.code).toBe('INVALID_SECOND_FACTOR');
    const [first, second] = body.recoveryCodes;
    expect((await signIn(staff.user.email, first)).status).toBe(200);
    expect((await signIn(staff.user.email, first)).body.code).toBe('INVALID_SECOND_FACTOR');
    // One of the codes may stand in for the device here, too.
    const again = await renew({ password, code: second });
    expect(again.status).toBe(200);
    expect((await signIn(staff.user.email, body.recoveryCodes[2])).body.code).toBe('INVALID_SECOND_FACTOR');
  });
});
