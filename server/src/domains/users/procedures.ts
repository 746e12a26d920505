import { contracts } from '@olympus/contracts';
import { implement, type Handlers } from '../../kernel/implement.ts';
import type { Cursors } from '../cursors.ts';
import { page } from '../paging.ts';
import { changeUser, checkRole } from './changes.ts';
import { findUser, insertUser, userList } from './repository.ts';

export interface UsersDependencies {
  readonly cursors: Cursors;
  readonly passwords: { hash(password: string): Promise<string> };
}

export const users = ({ cursors, passwords }: UsersDependencies): Handlers<typeof contracts.users> =>
  implement(contracts.users, {
    list: ({ input, ctx: { db } }) => page(db, cursors, { input, list: userList(db, input) }),
    get: async ({ input: { id }, ctx, fail }) => (await findUser(ctx.db, id)) ?? fail('USER_NOT_FOUND', { id }),
    create: async ({ input: { password, ...user }, ctx, fail }) => {
      checkRole(ctx, user.role, fail);
      const passwordHash = await passwords.hash(password);
      const created = await insertUser(ctx.db, { ...user, id: ctx.ids.next(), passwordHash }, ctx.clock.now());
      return created ?? fail('EMAIL_TAKEN', { email: user.email });
    },
    update: async ({ input: { id, expectedVersion, password, ...named }, ctx, fail }) => {
      // Before the row is locked, since it takes longer than all the rest.
      const passwordHash = password === undefined ? undefined : await passwords.hash(password);
      return changeUser(ctx, { id, expectedVersion, changes: { ...named, passwordHash } }, fail);
    },
    replace: ({ input: { id, expectedVersion, ...whole }, ctx, fail }) =>
      changeUser(ctx, { id, expectedVersion, changes: whole }, fail),
    deactivate: async ({ input: { id, expectedVersion }, ctx, fail }) => {
      await changeUser(ctx, { id, expectedVersion, changes: { active: false } }, fail);
      return null;
    },
  });
