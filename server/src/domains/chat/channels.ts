import type { ChatChannel, contracts, MyChatChannel, ParsedInputOf } from '@olympus/contracts';
import type { Db, InTransaction } from '@olympus/database';
import { append } from '../../events/outbox.ts';
import type { Context, Principal } from '../../kernel/context.ts';
import type { Fail } from '../../kernel/failure.ts';
import { invalidInput } from '../../kernel/steps/validate.ts';
import * as repository from './repository.ts';

type Contracts = typeof contracts.chat;
type ChannelInput<V extends keyof Contracts['channels']> = ParsedInputOf<Contracts['channels'][V]['def']>;
type MemberInput<V extends keyof Contracts['members']> = ParsedInputOf<Contracts['members'][V]['def']>;
/** Where a change runs: the caller's transaction. */
export type Changing = Context<Principal, InTransaction<Db>>;

/** The channel as the caller sees it. */
export async function current(
  { db, principal }: Context,
  id: string,
  fail: Fail<'CHANNEL_NOT_FOUND'>,
): Promise<MyChatChannel> {
  return (await repository.findMyChannel(db, id, principal.userId)) ?? fail('CHANNEL_NOT_FOUND', { id });
}

/** One that the caller has opened, or was in already. */
export async function opened({ db, principal }: Context, id: string): Promise<MyChatChannel> {
  const channel = await repository.findMyChannel(db, id, principal.userId);
  if (!channel) throw new Error('who opens a channel is in it');
  return channel;
}

export async function create(
  ctx: Changing,
  { name, userIds }: ChannelInput<'create'>,
  fail: Fail<'USER_NOT_FOUND'>,
): Promise<string> {
  const { userId } = ctx.principal;
  const others = [...new Set(userIds)].filter((id) => id !== userId);
  await checkUsers(ctx.db, others, fail);
  const id = ctx.ids.next();
  await repository.insertChannel(ctx.db, { id, name, pair: null, createdBy: userId }, ctx.clock.now());
  await admit(ctx, id, [userId, ...others]);
  return id;
}

export async function openDirect(
  ctx: Changing,
  { userId: other }: ChannelInput<'openDirect'>,
  fail: Fail<'USER_NOT_FOUND'>,
): Promise<string> {
  const { userId } = ctx.principal;
  if (other === userId)
    throw invalidInput([
      { field: 'userId', message: 'must be that of another user', code: 'invalid_value', nearest: null },
    ]);
  const pair = [userId, other].sort().join(' ');
  const found = await repository.findDirect(ctx.db, pair);
  if (found !== undefined) return found;
  await checkUsers(ctx.db, [other], fail);
  const id = ctx.ids.next();
  const made = await repository.insertChannel(ctx.db, { id, name: null, pair, createdBy: userId }, ctx.clock.now());
  // The other one may have opened it at the same moment.
  if (!made) return openDirect(ctx, { userId: other }, fail);
  await admit(ctx, id, [userId, other]);
  return id;
}

export async function rename(
  ctx: Changing,
  { id, name, expectedVersion }: ChannelInput<'rename'>,
  fail: Fail<'CHANNEL_NOT_FOUND' | 'CHANNEL_IS_DIRECT' | 'VERSION_CONFLICT'>,
): Promise<void> {
  const before = await team(ctx, { id, purpose: 'writing' }, fail);
  if (expectedVersion !== undefined && expectedVersion !== before.version)
    return fail('VERSION_CONFLICT', { currentVersion: before.version });
  if (name === before.name) return;
  const channel = await repository.renameChannel(ctx.db, id, { name, now: ctx.clock.now() });
  ctx.record({ before, after: channel });
  await append(ctx, { topic: 'chat', id }, { type: 'chat.channel.renamed', channelId: id, channel });
}

export async function addMembers(
  ctx: Changing,
  { id, userIds }: MemberInput<'add'>,
  fail: Fail<'CHANNEL_NOT_FOUND' | 'CHANNEL_IS_DIRECT' | 'USER_NOT_FOUND'>,
): Promise<void> {
  await team(ctx, { id, purpose: 'members' }, fail);
  const wanted = [...new Set(userIds)];
  await checkUsers(ctx.db, wanted, fail);
  await admit(ctx, id, wanted);
}

export async function removeMember(
  ctx: Changing,
  { id, userId }: MemberInput<'remove'>,
  fail: Fail<'CHANNEL_NOT_FOUND' | 'CHANNEL_IS_DIRECT' | 'USER_NOT_FOUND' | 'FORBIDDEN'>,
): Promise<void> {
  const { createdBy } = await team(ctx, { id, purpose: 'members' }, fail);
  const { principal } = ctx;
  const may = [userId, createdBy].includes(principal.userId) || principal.permissions.has('chat:moderate');
  if (!may) return fail('FORBIDDEN', { permission: 'chat:moderate' });
  // Who has been deactivated can be taken out too.
  if (!(await dismiss(ctx, id, userId))) await checkUsers(ctx.db, [userId], fail);
}

export async function leave(
  ctx: Changing,
  { id }: ChannelInput<'leave'>,
  fail: Fail<'CHANNEL_NOT_FOUND' | 'CHANNEL_IS_DIRECT'>,
): Promise<void> {
  await team(ctx, { id, purpose: 'members' }, fail);
  await dismiss(ctx, id, ctx.principal.userId);
}

/** The team channel, locked, of which the caller is a member. */
async function team(
  { db, principal }: Changing,
  { id, purpose }: { id: string; purpose: 'writing' | 'members' },
  fail: Fail<'CHANNEL_NOT_FOUND' | 'CHANNEL_IS_DIRECT'>,
): Promise<ChatChannel> {
  await repository.lockChannel(db, id, purpose);
  const channel = await repository.findChannel(db, id, principal.userId);
  if (!channel) return fail('CHANNEL_NOT_FOUND', { id });
  return channel.kind === 'direct' ? fail('CHANNEL_IS_DIRECT', { id }) : channel;
}

async function admit(ctx: Changing, channelId: string, userIds: readonly string[]): Promise<void> {
  const added = await repository.insertMembers(ctx.db, channelId, { userIds, now: ctx.clock.now() });
  if (added.length === 0) return;
  await append(ctx, { topic: 'chat', id: channelId }, { type: 'chat.members.added', channelId, userIds: added });
}

async function dismiss(ctx: Changing, channelId: string, userId: string): Promise<boolean> {
  const was = await repository.deleteMember(ctx.db, channelId, userId);
  if (was)
    await append(ctx, { topic: 'chat', id: channelId }, { type: 'chat.members.removed', channelId, userIds: [userId] });
  return was;
}

async function checkUsers(db: Db, ids: readonly string[], fail: Fail<'USER_NOT_FOUND'>): Promise<void> {
  const active = await repository.activeUsers(db, ids);
  for (const id of ids) if (!active.has(id)) fail('USER_NOT_FOUND', { id });
}
