import { contracts, roles, type Role, type TenantRole, type Session, type User } from '@olympus/contracts';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nobodyFollows, procedures, startTestKernel, type TestKernel } from '../testing.ts';
import { users } from './procedures.ts';

const password = 'correct horse battery';
let olympus: TestKernel;
beforeAll(async () => {
  olympus = await startTestKernel({
    databaseUrl: process.env['TEST_DATABASE_URL'],
    procedures: ({ cursors, auth }) =>
      procedures('users', contracts.users, users({ cursors, account: auth.account, follow: nobodyFollows })),
  });
});
afterAll(() => olympus.close());

const by = ({ accessToken }: Session) => ({ token: accessToken });
const address = () => `${randomUUID()}@shop.test`;
const add = (session: Session, role: Role, over: object = {}) =>
  olympus.call<User>('users.create', { email: address(), name: 'Someone', role, password, ...over }, by(session));
/** A user of the session's tenant, signed in. */
const addSignedIn = async (session: Session, role: Role) => {
  const { email } = await add(session, role);
  return olympus.call<Session>('auth.login', { email, password });
};
const update = (session: Session, id: string, changes: object) =>
  olympus.call<User>('users.update', { id, ...changes }, by(session));
const refusedUpdate = (session: Session, id: string, changes: object) =>
  olympus.refusal('users.update', { id, ...changes }, by(session));

describe('create and get', () => {
  test('a new user may sign in with their role', async () => {
    const owner = await olympus.register();
    const email = address();
    const user = await add(owner, 'staff', { email: email.toUpperCase(), name: ' Sam Staff ' });
    expect(user).toEqual({
      id: expect.any(String),
      email,
      name: 'Sam Staff',
      role: 'staff',
      active: true,
      locationIds: [],
      version: 1,
      createdAt: expect.any(Date),
      updatedAt: user.createdAt,
    });
    expect(await olympus.call('users.get', { id: user.id }, by(owner))).toEqual(user);
    const session = await olympus.call<Session>('auth.login', { email, password });
    expect(await olympus.refusal('users.list', {}, by(session))).toEqual({
      code: 'FORBIDDEN',
      data: { permission: 'users:read' },
    });
  });

  test('an address in use is refused, in whichever tenant it is', async () => {
    const [owner, stranger] = [await olympus.register(), await olympus.register()];
    const { email, id } = await add(owner, 'staff');
    const taken = { code: 'EMAIL_TAKEN', data: { email } };
    const input = { email, name: 'Other', role: 'viewer', password };
    expect(await olympus.refusal('users.create', input, by(owner))).toEqual(taken);
    expect(await olympus.refusal('users.create', input, by(stranger))).toEqual(taken);
    const other = await add(stranger, 'viewer');
    expect(await refusedUpdate(stranger, other.id, { email })).toEqual(taken);
    expect(await olympus.call('users.get', { id }, by(owner))).toMatchObject({ email, version: 1 });
  });
});

describe('roles', () => {
  test('nobody gives a role above their own, or changes a user above them', async () => {
    const owner = await olympus.register();
    const admin = await addSignedIn(owner, 'admin');
    const staff = await add(owner, 'staff');
    const tooHigh = { code: 'ROLE_TOO_HIGH', data: { role: 'owner' } };
    const newOwner = { email: address(), name: 'N', role: 'owner', password };
    expect(await olympus.refusal('users.create', newOwner, by(admin))).toEqual(tooHigh);
    expect(await refusedUpdate(admin, staff.id, { role: 'owner' })).toEqual(tooHigh);
    expect(await refusedUpdate(admin, owner.user.id, { name: 'Changed' })).toEqual(tooHigh);
    expect(await refusedUpdate(admin, owner.user.id, { password })).toEqual(tooHigh);
    expect(await olympus.refusal('users.deactivate', { id: owner.user.id }, by(admin))).toEqual(tooHigh);
    const whole = { id: staff.id, email: staff.email, name: 'S', role: 'owner', active: true };
    expect(await olympus.refusal('users.replace', whole, by(admin))).toEqual(tooHigh);
    expect(await update(admin, staff.id, { role: 'admin' })).toMatchObject({ role: 'admin', version: 2 });
    expect(await update(owner, staff.id, { role: 'owner' })).toMatchObject({ role: 'owner', version: 3 });
  });

  test('only those with the permission read and change users', async () => {
    const owner = await olympus.register();
    const allowed: Record<TenantRole, [list: boolean, create: boolean]> = {
      viewer: [false, false],
      staff: [false, false],
      manager: [true, false],
      admin: [true, true],
      owner: [true, true],
    };
    for (const role of roles) {
      const session = await addSignedIn(owner, role);
      const attempt = async (path: string, input: object) =>
        olympus.call(path, input, by(session)).then(
          () => true,
          (error: { code: string }) => (error.code === 'FORBIDDEN' ? false : Promise.reject(error)),
        );
      const outcome = [
        await attempt('users.list', {}),
        await attempt('users.create', { email: address(), name: 'N', role: 'viewer', password }),
      ];
      expect([role, outcome]).toEqual([role, allowed[role]]);
    }
  });
});

describe('the last owner', () => {
  const lastOwner = { code: 'LAST_OWNER', data: null };

  test('is neither demoted nor deactivated', async () => {
    const owner = await olympus.register();
    const { id, email } = owner.user;
    expect(await refusedUpdate(owner, id, { role: 'admin' })).toEqual(lastOwner);
    expect(await refusedUpdate(owner, id, { active: false })).toEqual(lastOwner);
    expect(await olympus.refusal('users.deactivate', { id }, by(owner))).toEqual(lastOwner);
    const whole = { id, email, name: 'O', role: 'viewer', active: true };
    expect(await olympus.refusal('users.replace', whole, by(owner))).toEqual(lastOwner);
    const second = await add(owner, 'owner');
    await update(owner, second.id, { active: false });
    expect(await refusedUpdate(owner, id, { role: 'admin' })).toEqual(lastOwner);
    await update(owner, second.id, { active: true });
    expect(await update(owner, id, { role: 'admin' })).toMatchObject({ role: 'admin' });
  });

  test('of two owners who demote each other at once, one stays', async () => {
    for (let round = 0; round < 5; round++) {
      const first = await olympus.register();
      const second = await addSignedIn(first, 'owner');
      const outcomes = await Promise.allSettled([
        update(first, second.user.id, { role: 'viewer' }),
        update(second, first.user.id, { active: false }),
      ]);
      expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      // Whoever comes second has lost their own rights by then, or is told that theirs is the last owner.
      const codes = outcomes.flatMap((one) =>
        one.status === 'rejected' ? [(one.reason as { code: string }).code] : [],
      );
      expect(['LAST_OWNER', 'UNAUTHENTICATED', 'FORBIDDEN']).toContain(codes[0]);
    }
  });
});

describe('changes', () => {
  test('what is named changes, once for every version', async () => {
    const owner = await olympus.register();
    const user = await add(owner, 'staff');
    const changed = await update(owner, user.id, { name: 'New Name', expectedVersion: 1 });
    expect(changed).toEqual({ ...user, name: 'New Name', version: 2, updatedAt: expect.any(Date) });
    expect(changed.updatedAt.getTime()).toBeGreaterThanOrEqual(user.updatedAt.getTime());
    expect(await refusedUpdate(owner, user.id, { name: 'Newer', expectedVersion: 1 })).toEqual({
      code: 'VERSION_CONFLICT',
      data: { currentVersion: 2 },
    });
    expect(await update(owner, user.id, {})).toEqual(changed);
    expect(await update(owner, user.id, { name: 'New Name', role: 'staff' })).toEqual(changed);
  });

  test('replace sets the whole', async () => {
    const owner = await olympus.register();
    const user = await add(owner, 'staff');
    const whole = { email: address(), name: 'Replaced', role: 'manager', active: false };
    expect(await olympus.call('users.replace', { id: user.id, ...whole }, by(owner))).toMatchObject({
      ...whole,
      version: 2,
    });
  });

  test('deactivation ends the sessions and the right to sign in; a second one changes nothing', async () => {
    const owner = await olympus.register();
    const staff = await addSignedIn(owner, 'staff');
    const { id, email } = staff.user;
    expect(await olympus.call('users.deactivate', { id }, by(owner))).toBeNull();
    expect((await olympus.refusal('auth.refresh', { refreshToken: staff.refreshToken })).code).toBe(
      'INVALID_REFRESH_TOKEN',
    );
    expect((await olympus.refusal('auth.login', { email, password })).code).toBe('INVALID_CREDENTIALS');
    expect((await olympus.refusal('auth.me', {}, by(staff))).code).toBe('UNAUTHENTICATED');
    await olympus.call('users.deactivate', { id }, by(owner));
    expect(await olympus.call('users.get', { id }, by(owner))).toMatchObject({ active: false, version: 2 });
    await update(owner, id, { active: true });
    expect((await olympus.refusal('auth.refresh', { refreshToken: staff.refreshToken })).code).toBe(
      'INVALID_REFRESH_TOKEN',
    );
    await olympus.call('auth.login', { email, password });
  });

  test('a new password ends the sessions that the old one opened', async () => {
    const owner = await olympus.register();
    const staff = await addSignedIn(owner, 'staff');
    const { id, email } = staff.user;
    const fresh = 'another good password';
    await update(owner, id, { password: fresh });
    expect((await olympus.refusal('auth.refresh', { refreshToken: staff.refreshToken })).code).toBe(
      'INVALID_REFRESH_TOKEN',
    );
    expect((await olympus.refusal('auth.login', { email, password })).code).toBe('INVALID_CREDENTIALS');
    expect(await olympus.call('auth.login', { email, password: fresh })).toMatchObject({ user: { id } });
  });

  test('a sign-in with the old password that runs meanwhile opens no session that lasts', async () => {
    const owner = await olympus.register();
    const { id, email } = await add(owner, 'staff');
    const [signedIn] = await Promise.allSettled([
      olympus.call<Session>('auth.login', { email, password }),
      update(owner, id, { password: 'another good password' }),
    ]);
    if (signedIn.status === 'fulfilled') {
      const { refreshToken } = signedIn.value;
      expect((await olympus.refusal('auth.refresh', { refreshToken })).code).toBe('INVALID_REFRESH_TOKEN');
    } else expect(signedIn.reason).toMatchObject({ code: 'INVALID_CREDENTIALS' });
  });

  test('the same key is answered once, and a refused change is kept as refused', async () => {
    const owner = await olympus.register();
    const input = { email: address(), name: 'Once', role: 'viewer', password };
    const caller = { ...by(owner), key: randomUUID() };
    const first = await olympus.call<User>('users.create', input, caller);
    expect(await olympus.call('users.create', input, caller)).toEqual(first);
  });
});

test('two tenants never see each other’s users', async () => {
  const [owner, stranger] = [await olympus.register(), await olympus.register()];
  const { id, email } = owner.user;
  const missing = { code: 'USER_NOT_FOUND', data: { id } };
  expect(await olympus.refusal('users.get', { id }, by(stranger))).toEqual(missing);
  expect(await refusedUpdate(stranger, id, { name: 'Mine' })).toEqual(missing);
  expect(await olympus.refusal('users.deactivate', { id }, by(stranger))).toEqual(missing);
  const whole = { id, email, name: 'Mine', role: 'viewer', active: true };
  expect(await olympus.refusal('users.replace', whole, by(stranger))).toEqual(missing);
  expect(await olympus.call('users.list', { withTotal: true }, by(stranger))).toMatchObject({
    items: [{ id: stranger.user.id }],
    totalCount: 1,
  });
  expect(await olympus.call('users.get', { id }, by(owner))).toEqual(owner.user);
});

describe('list', () => {
  test('filters, searches, sorts and pages', async () => {
    const owner = await olympus.register({ name: 'Zoe Owner' });
    await add(owner, 'staff', { name: 'Ann 100% Apple' });
    await add(owner, 'manager', { name: 'Bob Apple', email: `bob.${randomUUID()}@find.test` });
    const gone = await add(owner, 'staff', { name: 'Cid Pear' });
    await olympus.call('users.deactivate', { id: gone.id }, by(owner));
    const names = async (input: object) => {
      const { items } = await olympus.call<{ items: User[] }>('users.list', { sort: 'name', ...input }, by(owner));
      return items.map(({ name }) => name);
    };
    expect(await names({})).toEqual(['Ann 100% Apple', 'Bob Apple', 'Cid Pear', 'Zoe Owner']);
    expect(await names({ sort: '-name' })).toEqual(['Zoe Owner', 'Cid Pear', 'Bob Apple', 'Ann 100% Apple']);
    expect(await names({ role: 'staff' })).toEqual(['Ann 100% Apple', 'Cid Pear']);
    expect(await names({ active: false })).toEqual(['Cid Pear']);
    expect(await names({ q: 'apple BOB' })).toEqual(['Bob Apple']);
    expect(await names({ q: 'find.test' })).toEqual(['Bob Apple']);
    expect(await names({ q: '%' })).toEqual(['Ann 100% Apple']);
    expect(await names({ q: '_' })).toEqual([]);
    expect(await names({ q: "'; drop table users; --" })).toEqual([]);

    const first = await olympus.call<{ items: User[]; nextCursor: string }>(
      'users.list',
      { limit: 3, sort: 'name' },
      by(owner),
    );
    expect(first.items).toHaveLength(3);
    expect(await names({ limit: 3, cursor: first.nextCursor })).toEqual(['Zoe Owner']);
  });

  test('never shows a password’s hash', async () => {
    const owner = await olympus.register();
    expect(JSON.stringify(await olympus.call('users.list', {}, by(owner)))).not.toContain('argon2');
  });
});
