import { contracts, type Session, type TenantRole, type User, type UserEvent } from '@olympus/contracts';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { userUpdates } from '../../events/updates.ts';
import { account } from '../account/procedures.ts';
import { startFollowing, type FollowingKernel } from '../following-testing.ts';
import { procedures } from '../testing.ts';
import { users } from './procedures.ts';

const password = 'correct horse battery';
let olympus: FollowingKernel;
let owner: Session;
beforeAll(async () => {
  olympus = await startFollowing(process.env['TEST_DATABASE_URL'], ({ cursors, auth, events }) => ({
    procedures: [
      ...procedures(
        'users',
        contracts.users,
        users({ cursors, account: auth.account, follow: userUpdates(events.follow) }),
      ),
      ...procedures('account', contracts.account, account(auth.account)),
    ],
  }));
  owner = await olympus.register();
});
afterAll(() => olympus.close());

const call = <T = User>(path: string, input: object, session = owner) =>
  olympus.call<T>(path, input, { token: session.accessToken });
const add = (role: TenantRole) =>
  call('users.create', { email: `${randomUUID()}@shop.test`, name: role, role, password });
const signIn = ({ email }: User) => olympus.call<Session>('auth.login', { email, password, device: 'Till 2' });
const follow = (input: object, who: Session) => olympus.follow<UserEvent>('users.updates', input, who);

it('users are followed, with what changed of them and no secret; sign-ins by those who may read the audit log', async () => {
  const manager = await signIn(await add('manager'));
  const [all, managers, quiet] = [
    await follow({}, owner),
    await follow({}, manager),
    await follow({ signIns: false }, owner),
  ];
  const staff = await add('staff');
  const one = await follow({ userId: staff.id.toUpperCase() }, owner);
  const session = await signIn(staff);
  const promoted = await call('users.update', { id: staff.id, role: 'manager', name: 'Sam' });
  await call('users.update', { id: staff.id, name: 'Sam' });
  const newPassword = 'another good password';
  await call('account.changePassword', { currentPassword: password, newPassword }, session);
  const renewed = await call('users.get', { id: staff.id });
  await call('users.deactivate', { id: staff.id });
  const gone = await call('users.get', { id: staff.id });
  olympus.events.relay.wake();

  const started = { type: 'started' };
  const created = { type: 'user.created', userId: staff.id, user: staff };
  const signedIn = { type: 'user.signedIn', userId: staff.id, device: 'Till 2', signedInAt: expect.any(Date) as Date };
  const updates = [
    [promoted, ['name', 'role']] as const,
    [renewed, ['password']] as const,
    [gone, ['active']] as const,
  ].map(([user, changed]) => ({ type: 'user.updated', userId: staff.id, user, changed }));
  const told = (items: readonly { data: UserEvent }[]) => items.map(({ data }) => data);
  expect(told(await all.atLeast(6))).toEqual([started, created, signedIn, ...updates]);
  expect(told(await one.atLeast(5))).toEqual([started, signedIn, ...updates]);
  for (const stream of [managers, quiet]) expect(told(await stream.atLeast(5))).toEqual([started, created, ...updates]);
  expect(JSON.stringify(all.items)).not.toMatch(/argon2|good password|horse/);
  for (const stream of [all, managers, quiet, one]) stream.end();
});

it('nobody follows users who may not list them', async () => {
  const staff = await signIn(await add('staff'));
  expect(await olympus.refusal('users.updates', {}, { token: staff.accessToken })).toMatchObject({ code: 'FORBIDDEN' });
});
