import type { User } from '@olympus/contracts';
import { append } from '../../events/outbox.ts';
import type { TransactionContext } from '../../kernel/context.ts';

const fields = ['email', 'name', 'role', 'active', 'locationIds'] as const;
type UserChange = (typeof fields)[number] | 'password';

/** Tells of a new user. */
export const tellOfUser = (ctx: TransactionContext, user: User): Promise<void> =>
  append<'user.created'>(ctx, { topic: 'users', id: user.id }, { type: 'user.created', userId: user.id, user });

/** Tells what is another now; of a password only that. */
export const tellOfChange = (ctx: TransactionContext, user: User, changed: readonly UserChange[]): Promise<void> =>
  append<'user.updated'>(
    ctx,
    { topic: 'users', id: user.id },
    { type: 'user.updated', userId: user.id, user, changed: [...changed] },
  );

export const tellOfSignIn = (
  ctx: TransactionContext,
  { userId, device }: { userId: string; device: string },
): Promise<void> =>
  append<'user.signedIn'>(
    ctx,
    { topic: 'users', id: userId },
    { type: 'user.signedIn', userId, device, signedInAt: ctx.clock.now() },
  );

/** The fields that differ, by their values. */
export const changesBetween = (before: User, after: User): UserChange[] =>
  fields.filter((field) => String(before[field]) !== String(after[field]));
