import type { ChatMessage, ChatReceipt, contracts, ParsedInputOf } from '@olympus/contracts';
import { append } from '../../events/outbox.ts';
import type { Fail } from '../../kernel/failure.ts';
import type { Changing } from './channels.ts';
import * as repository from './repository.ts';

type Contracts = typeof contracts.chat;
type Input<V extends keyof Contracts['messages']> = ParsedInputOf<Contracts['messages'][V]['def']>;
type Changed = 'chat.message.sent' | 'chat.message.edited' | 'chat.message.deleted';

export async function send(
  ctx: Changing,
  { channelId, clientId, text }: Input<'send'>,
  fail: Fail<'CHANNEL_NOT_FOUND' | 'MESSAGE_ID_REUSED'>,
): Promise<ChatMessage> {
  const { db, principal } = ctx;
  const senderId = principal.userId;
  await repository.lockChannel(db, channelId, 'writing');
  if (!(await repository.findChannel(db, channelId, senderId))) return fail('CHANNEL_NOT_FOUND', { id: channelId });
  const sent = await repository.findSent(db, senderId, clientId);
  // Its text may have been changed since: what was sent is told by the channel, and by the id itself.
  if (sent) return sent.channelId === channelId ? sent : fail('MESSAGE_ID_REUSED', { clientId, messageId: sent.id });
  const message = { id: ctx.ids.next(), channelId, senderId, clientId, text };
  return told(ctx, 'chat.message.sent', await repository.insertMessage(db, message, ctx.clock.now()));
}

export async function edit(
  ctx: Changing,
  { id, text, expectedVersion }: Input<'edit'>,
  fail: Fail<'MESSAGE_NOT_FOUND' | 'FORBIDDEN' | 'VERSION_CONFLICT'>,
): Promise<ChatMessage> {
  const message = await locked(ctx, { id, expectedVersion }, fail);
  const { userId } = ctx.principal;
  if (message.deletedAt) return fail('MESSAGE_NOT_FOUND', { id });
  if (message.senderId !== userId) return fail('FORBIDDEN', { permission: null });
  if (message.text === text) return message;
  const changed = await repository.changeMessage(ctx.db, id, { text, userId, now: ctx.clock.now() });
  return told(ctx, 'chat.message.edited', changed);
}

export async function remove(
  ctx: Changing,
  { id, expectedVersion }: Input<'delete'>,
  fail: Fail<'MESSAGE_NOT_FOUND' | 'FORBIDDEN' | 'VERSION_CONFLICT'>,
): Promise<void> {
  const message = await locked(ctx, { id, expectedVersion }, fail);
  const { userId, permissions } = ctx.principal;
  if (message.senderId !== userId && !permissions.has('chat:moderate'))
    return fail('FORBIDDEN', { permission: 'chat:moderate' });
  if (message.deletedAt) return;
  const changed = await repository.changeMessage(ctx.db, id, { text: null, userId, now: ctx.clock.now() });
  await told(ctx, 'chat.message.deleted', changed);
}

export async function markRead(
  ctx: Changing,
  { id, sequence }: ParsedInputOf<Contracts['channels']['markRead']['def']>,
  fail: Fail<'CHANNEL_NOT_FOUND'>,
): Promise<ChatReceipt> {
  const { db, principal } = ctx;
  const { userId } = principal;
  await repository.lockChannel(db, id, 'receipts');
  const receipt = await repository.advanceReceipt(db, id, { userId, sequence, now: ctx.clock.now() });
  if (!receipt) return (await repository.findReceipt(db, id, userId)) ?? fail('CHANNEL_NOT_FOUND', { id });
  await append(ctx, { topic: 'chat', id }, { type: 'chat.channel.read', channelId: id, receipt });
  return receipt;
}

/** The message as it stands while its channel is locked, if it is the one that a change was meant for. */
async function locked(
  { db, principal }: Changing,
  { id, expectedVersion }: { id: string; expectedVersion: number | undefined },
  fail: Fail<'MESSAGE_NOT_FOUND' | 'VERSION_CONFLICT'>,
): Promise<ChatMessage> {
  const found = await repository.findMessage(db, id, principal.userId);
  if (!found) return fail('MESSAGE_NOT_FOUND', { id });
  await repository.lockChannel(db, found.channelId, 'writing');
  const message = await repository.findMessage(db, id, principal.userId);
  if (!message) return fail('MESSAGE_NOT_FOUND', { id });
  if (expectedVersion !== undefined && expectedVersion !== message.version)
    return fail('VERSION_CONFLICT', { currentVersion: message.version });
  return message;
}

async function told(ctx: Changing, type: Changed, message: ChatMessage): Promise<ChatMessage> {
  const { channelId } = message;
  await append(ctx, { topic: 'chat', id: channelId }, { type, channelId, message });
  return message;
}
