import type { Announcement } from '@olympus/contracts';
import { append } from '../../events/outbox.ts';
import type { TransactionContext } from '../../kernel/context.ts';

/** Says something to everybody in the tenant of the transaction. */
export async function publish(
  ctx: TransactionContext,
  { id, title, text }: Omit<Announcement, 'createdAt'>,
): Promise<Announcement> {
  const announcement = { id, title, text, createdAt: ctx.clock.now() };
  await append<'announcement.published'>(
    ctx,
    // One subject for all: so that everybody is told of them in their order.
    { topic: 'notifications', id: ctx.db.tenantId },
    { type: 'announcement.published', announcementId: id, announcement },
  );
  return announcement;
}
