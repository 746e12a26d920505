import type { contracts } from '@olympus/contracts';
import type { Events } from '../../events/events.ts';
import type { Consumer } from '../../events/consumers/consumer.ts';
import type { Handlers } from '../../kernel/implement.ts';
import { notificationsConsumer } from './consumer.ts';
import type { FanOut } from './fan-out.ts';
import { notifications, type NotificationsDependencies } from './procedures.ts';

/** Telling users of what concerns them: what is asked of it, and what makes notifications of events. */
export interface Notifications {
  readonly handlers: Handlers<typeof contracts.notifications>;
  readonly consumer: Consumer;
}

export interface NotificationsOptions extends Omit<FanOut, 'onAppended'>, Omit<NotificationsDependencies, 'follow'> {
  readonly events: Pick<Events, 'follow' | 'relay'>;
}

export const createNotifications = ({ cursors, events, ...options }: NotificationsOptions): Notifications => ({
  handlers: notifications({ cursors, follow: events.follow }),
  consumer: notificationsConsumer({ ...options, onAppended: () => events.relay.wake() }),
});
