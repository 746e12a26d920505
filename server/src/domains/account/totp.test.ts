import { contracts, type Session } from '@olympus/contracts';
import { sql } from '@olympus/database';
import { URI, type TOTP } from 'otpauth';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { procedures, startTestKernel, type TestKernel } from '../testing.ts';
import { account } from './procedures.ts';

const password = 'correct horse battery';
let olympus: TestKernel;
beforeAll(async () => {
  olympus = await startTestKernel({
    databaseUrl: process.env['TEST_DATABASE_URL'],
    procedures: ({ auth }) => procedures('account', contracts.account, account(auth.account)),
  });
});
afterAll(() => olympus.close());
// Time stands still save where it is moved, so that a step never ends between two lines.
beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: Date.now() }));
afterEach(() => void vi.useRealTimers());

const by = ({ accessToken }: Session) => ({ token: accessToken });
const step = () => olympus.clock.advance(30_000);

class Authenticator {
  readonly #uri: string;
  constructor(uri: string) {
    this.#uri = uri;
  }
  code(steps = 0): string {
    const totp = URI.parse(this.#uri) as TOTP;
    return totp.generate({ timestamp: olympus.clock.now().getTime() + steps * 30_000 });
  }
}
async function enroll(session: Session) {
  const enrolled = await olympus.call<{ secret: string; uri: string }>(
    'account.totp.enroll',
    { password },
    by(session),
  );
  return { ...enrolled, device: new Authenticator(enrolled.uri) };
}
const confirm = (session: Session, code: string) =>
  olympus.call<{ recoveryCodes: string[] }>('account.totp.confirm', { code }, by(session));
/** A user with a second factor that is on, and whose first code has been used. */
async function withFactor() {
  const session = await olympus.register();
  const { device, secret } = await enroll(session);
  const { recoveryCodes } = await confirm(session, device.code());
  step();
  return { session, device, secret, recoveryCodes, email: session.user.email };
}
const login = (email: string, code?: string) => olympus.call<Session>('auth.login', { email, password, code });
const refusedLogin = async (email: string, code?: string, given = password) =>
  (await olympus.refusal('auth.login', { email, password: given, code })).code;

describe('setting up', () => {
  test('a link for an authenticator, and a first code that turns it on and shows ten recovery codes', async () => {
    const session = await olympus.register();
    const { secret, uri, device } = await enroll(session);
    expect(secret).toMatch(/^[A-Z2-7]{32}$/);
    const label = encodeURIComponent(session.user.email);
    expect(uri).toContain(`otpauth://totp/Olympus:${label}?issuer=Olympus&secret=${secret}`);
    await login(session.user.email);
    const { recoveryCodes } = await confirm(session, device.code());
    expect(new Set(recoveryCodes).size).toBe(10);
    for (const code of recoveryCodes) expect(code).toMatch(/^[a-z2-7]{4}(-[a-z2-7]{4}){3}$/);
    expect(await refusedLogin(session.user.email)).toBe('SECOND_FACTOR_REQUIRED');
    expect(await olympus.call('auth.me', {}, by(session))).toMatchObject({ totpEnabled: true });
  });

  test('needs the password, then a right code', async () => {
    const session = await olympus.register();
    const refusal = (path: string, input: object) => olympus.refusal(`account.totp.${path}`, input, by(session));
    expect((await refusal('confirm', { code: '123456' })).code).toBe('TOTP_NOT_ENROLLED');
    expect((await refusal('enroll', { password: 'wrong' })).code).toBe('WRONG_PASSWORD');
    const first = await enroll(session);
    const second = await enroll(session);
    expect((await refusal('confirm', { code: first.device.code() })).code).toBe('INVALID_SECOND_FACTOR');
    await confirm(session, second.device.code());
    expect((await refusal('confirm', { code: second.device.code(1) })).code).toBe('TOTP_ALREADY_ON');
    expect((await refusal('enroll', { password })).code).toBe('TOTP_ALREADY_ON');
  });

  test('the secret is sealed and recovery codes are hashed in the database', async () => {
    const { session, secret, recoveryCodes } = await withFactor();
    const { id } = session.user;
    const { systemDb } = olympus.database;
    const factor = await systemDb.rows(sql`select * from totp_factors where user_id = ${id}::uuid`);
    const codes = await systemDb.rows(sql`select * from recovery_codes where user_id = ${id}::uuid`);
    expect([factor.length, codes.length]).toEqual([1, 10]);
    const stored = JSON.stringify([factor, codes]);
    for (const shown of [secret, ...recoveryCodes, ...recoveryCodes.map((code) => code.replaceAll('-', ''))])
      expect(stored).not.toContain(shown);
  });
});

describe('signing in', () => {
  test('takes each step’s code once', async () => {
    const { email, device } = await withFactor();
    const code = device.code();
    expect((await login(email, code)).user.email).toBe(email);
    expect(await refusedLogin(email, code)).toBe('INVALID_SECOND_FACTOR');
    step();
    await login(email, device.code());
  });

  test('of racers with one code, one is let in', async () => {
    const { email, device } = await withFactor();
    const outcomes = await Promise.allSettled(Array.from({ length: 4 }, () => login(email, device.code())));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  test('allows a clock that is one step off, and no more', async () => {
    const { email, device } = await withFactor();
    step();
    expect(await refusedLogin(email, device.code(-2))).toBe('INVALID_SECOND_FACTOR');
    expect(await refusedLogin(email, device.code(2))).toBe('INVALID_SECOND_FACTOR');
    await login(email, device.code(-1));
    const spaced = device.code(1).replace(/^.../, '$& ');
    await login(email, spaced);
    // What came later has been taken.
    expect(await refusedLogin(email, device.code())).toBe('INVALID_SECOND_FACTOR');
  });

  test('a wrong password is told before the code, and a code without need is no matter', async () => {
    const { email, device } = await withFactor();
    expect(await refusedLogin(email, device.code(), 'wrong')).toBe('INVALID_CREDENTIALS');
    await login(email, device.code());
    const other = await olympus.register();
    await login(other.user.email, '000000');
  });

  test('takes each recovery code once, however it is written, and of its user only', async () => {
    const { email, recoveryCodes } = await withFactor();
    const stranger = await withFactor();
    const [first = '', second = ''] = recoveryCodes;
    expect(await refusedLogin(stranger.email, first)).toBe('INVALID_SECOND_FACTOR');
    await login(email, first);
    expect(await refusedLogin(email, first)).toBe('INVALID_SECOND_FACTOR');
    await login(email, second.replaceAll('-', ' ').toUpperCase());
  });

  test('guesses of the code wait as those of the password do, though the password is right', async () => {
    const { email, device } = await withFactor();
    for (let n = 0; n < 5; n++) {
      expect(await refusedLogin(email)).toBe('SECOND_FACTOR_REQUIRED');
      expect(await refusedLogin(email, 'wrong-code')).toBe('INVALID_SECOND_FACTOR');
    }
    expect(await refusedLogin(email, device.code())).toBe('RATE_LIMITED');
    olympus.clock.advance(1000);
    await login(email, device.code());
  });
});

describe('turning it off', () => {
  const disable = (session: Session, input: object) => olympus.call('account.totp.disable', input, by(session));
  const refused = async (session: Session, input: object) =>
    (await olympus.refusal('account.totp.disable', input, by(session))).code;

  test('asks for the password and a code', async () => {
    const { session, email, device, recoveryCodes } = await withFactor();
    expect(await refused(session, { password: 'wrong', code: device.code() })).toBe('WRONG_PASSWORD');
    expect(await refused(session, { password, code: 'wrong-code' })).toBe('INVALID_SECOND_FACTOR');
    expect(await disable(session, { password, code: device.code() })).toBeNull();
    await login(email);
    expect(await olympus.call('auth.me', {}, by(session))).toMatchObject({ totpEnabled: false });
    expect(await refused(session, { password, code: recoveryCodes[0] ?? '' })).toBe('TOTP_NOT_ENROLLED');
  });

  test('works by a recovery code for who has lost the device; a new factor has new codes', async () => {
    const { session, email, recoveryCodes } = await withFactor();
    await disable(session, { password, code: recoveryCodes[0] ?? '' });
    const { device } = await enroll(session);
    await confirm(session, device.code());
    expect(await refusedLogin(email, recoveryCodes[1])).toBe('INVALID_SECOND_FACTOR');
  });
});
