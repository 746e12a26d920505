import type { Notice } from '@olympus/contracts';
import type { Database } from '@olympus/database';
import { append } from '../../events/outbox.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Ids } from '../../platform/ids.ts';
import {
  findLastTold,
  findRecipients,
  insertNotifications,
  recipientsAtOnce,
  type Audience,
} from './audience-repository.ts';

export interface FanOut {
  readonly database: Database;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Called after each commit that has written events. */
  readonly onAppended: () => void;
}

/** So long is a notification kept. */
const keptMs = 90 * 86_400_000;

export interface Telling {
  readonly tenantId: string;
  readonly notice: Notice;
  readonly audience: Audience;
  /** The call that caused it. */
  readonly requestId: string;
  readonly signal: AbortSignal;
}

/**
 * Gives everybody whom it concerns a notification, some hundred users in a transaction with the event that tells their
 * devices. Broken off and begun anew, it goes on behind the last who was told: nobody gets two of one event.
 */
export async function tell(
  { database, clock, ids, onAppended }: FanOut,
  { tenantId, notice, audience, requestId, signal }: Telling,
): Promise<void> {
  const reading = database.tenant(tenantId);
  let after: string | null | undefined = await findLastTold(reading, notice.eventId);
  while (after !== undefined) {
    signal.throwIfAborted();
    const userIds = await findRecipients(reading, { audience, after });
    if (userIds.length === 0) return;
    const expiresAt = new Date(clock.now().getTime() + keptMs);
    await database.transaction(tenantId, async (db) => {
      const made = { notice, userIds, ids: userIds.map(() => ids.next()), expiresAt };
      const recipients = await insertNotifications(db, made);
      await append<'notifications.created'>(
        { db, clock, requestId, stale: new Set() },
        { topic: 'notifications', id: null },
        { type: 'notifications.created', notice, recipients },
      );
    });
    onAppended();
    after = userIds[recipientsAtOnce - 1];
  }
}
