import type { contracts } from '@olympus/contracts';
import type { Consumer } from '../../events/consumers/consumer.ts';
import type { Handlers } from '../../kernel/implement.ts';
import type { Cursors } from '../cursors.ts';
import { webhooksConsumer } from './consumer.ts';
import { webhooks } from './procedures.ts';
import { createSender, type Sender, type SenderOptions } from './sender.ts';

/** Telling partners of events: what is asked of it, what puts events on their way, and what sends them. */
export interface Webhooks {
  readonly handlers: Handlers<typeof contracts.webhooks>;
  readonly consumer: Consumer;
  readonly sender: Sender;
}

export function createWebhooks({ cursors, ...options }: SenderOptions & { readonly cursors: Cursors }): Webhooks {
  const sender = createSender(options);
  return {
    handlers: webhooks({ cursors, secrets: options.secrets, outbound: options.outbound }),
    consumer: webhooksConsumer({ ...options, wake: sender.wake }),
    sender,
  };
}
