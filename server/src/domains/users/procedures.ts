import { contracts } from '@olympus/contracts';
import { implement, type Handler, type Handlers } from '../../kernel/implement.ts';
import type { Cursors } from '../cursors.ts';
import { page } from '../paging.ts';
import { changeUser, checkLocations, checkOwn, checkRole } from './changes.ts';
import { tellOfUser } from './events.ts';
import { resetSecondFactor, type ResetDependencies } from './second-factor.ts';
import { findUser, insertUser, userList } from './repository.ts';

export interface UsersDependencies {
  readonly cursors: Cursors;
  readonly follow: Handler<typeof contracts.users.updates>;
  readonly account: ResetDependencies & { readonly passwords: { hash(password: string): Promise<string> } };
}

export const users = ({ cursors, account, follow }: UsersDependencies): Handlers<typeof contracts.users> => {
  const { passwords } = account;
  return implement(contracts.users, {
    list: ({ input, ctx: { db } }) => page(db, cursors, { input, list: userList(db, input) }),
    get: async ({ input: { id }, ctx, fail }) => (await findUser(ctx.db, id)) ?? fail('USER_NOT_FOUND', { id }),
    create: async ({ input: { password, ...user }, ctx, fail }) => {
      checkRole(ctx, user.role, fail);
      const locationIds = unique(user.locationIds);
      await checkLocations(ctx, locationIds, fail);
      const passwordHash = await passwords.hash(password);
      const created = await insertUser(
        ctx.db,
        { ...user, locationIds, id: ctx.ids.next(), passwordHash },
        ctx.clock.now(),
      );
      if (!created) return fail('EMAIL_TAKEN', { email: user.email });
      await tellOfUser(ctx, created);
      return created;
    },
    update: async ({ input: { id, expectedVersion, password, ...named }, ctx, fail }) => {
      checkOwn(ctx, named);
      // Before the row is locked, since it takes longer than all the rest.
      const passwordHash = password === undefined ? undefined : await passwords.hash(password);
      return changeUser(ctx, { id, expectedVersion, changes: { ...placed(named), passwordHash } }, fail);
    },
    replace: ({ input: { id, expectedVersion, ...whole }, ctx, fail }) =>
      changeUser(ctx, { id, expectedVersion, changes: placed(whole) }, fail),
    deactivate: async ({ input: { id, expectedVersion }, ctx, fail }) => {
      await changeUser(ctx, { id, expectedVersion, changes: { active: false } }, fail);
      return null;
    },
    resetSecondFactor: async ({ input: { id }, ctx, fail }) => {
      await resetSecondFactor(account, { ctx, id: id.toLowerCase() }, fail);
      return null;
    },
    updates: follow,
  });
};

const unique = (ids: readonly string[]): string[] => [...new Set(ids.map((id) => id.toLowerCase()))];

const placed = <T extends { locationIds?: readonly string[] | undefined }>(changes: T) => ({
  ...changes,
  locationIds: changes.locationIds && unique(changes.locationIds),
});
