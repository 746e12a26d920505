import type { Database } from '@olympus/database';
import type { Logger } from 'pino';
import type { PaymentsConfig } from './config-payments.ts';
import type { Boundary, OrderJob } from './domains/orders/workflow/drive.ts';
import { createOrderWorkflow, type OrderWorkflow } from './domains/orders/workflow/index.ts';
import { claimMs } from './domains/orders/workflow/next.ts';
import type { Consumer } from './events/consumers/consumer.ts';
import type { Queue, QueueSettings } from './jobs/queue.ts';
import type { QueryCache } from './kernel/steps/cache.ts';
import type { Clock } from './platform/clock.ts';
import type { Ids } from './platform/ids.ts';
import type { PaymentProvider } from './platform/payments/provider.ts';
import { simulatedPayments } from './platform/payments/simulator.ts';

/** What an installation may bring along for its payments. */
export interface PaymentExtras {
  /** Who takes them, instead of whom the configuration names. */
  readonly payments?: PaymentProvider;
  /** Told of each boundary of the order workflow, which goes on when it is answered. */
  readonly onOrderBoundary?: (at: Boundary) => Promise<void>;
}

interface PaymentsOptions {
  readonly config: PaymentsConfig;
  readonly extras: PaymentExtras;
  readonly database: Database;
  readonly queue: Queue;
  readonly cache: QueryCache;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Logger;
}

/** Taking the payments of orders. */
export interface Payments {
  /** Milliseconds until payments must be authorized; null: nobody takes them. */
  readonly authorizeMs: number | null;
  readonly consumers: readonly Consumer[];
  /** Begins to work on jobs, which the queue ends. */
  start(): void;
}

/** A job is given to another process a little after the call that it makes is. */
export const paymentQueues = (config: PaymentsConfig) =>
  ({
    orderWorkflow: {
      retries: 20,
      retrySeconds: 1,
      expireSeconds: Math.ceil(claimMs(config) / 1000) + 2,
      concurrency: 8,
    },
    orderSweep: { retries: 0, expireSeconds: 60 },
  }) satisfies Record<string, QueueSettings>;

export function createPayments(options: PaymentsOptions): Payments {
  const { config, extras, database, queue, cache } = options;
  const simulator = config.provider === 'simulated' ? simulatedPayments({ ...options, fault: config.fault }) : null;
  const provider = extras.payments ?? simulator;
  if (!provider) return { authorizeMs: null, consumers: [], start() {} };
  const send: Parameters<typeof createOrderWorkflow>[0]['send'] = (job, at) => {
    // Whoever looks at a workflow that waits has it taken up again; once is enough.
    const once = at && { name: `${job.orderId} ${at.getTime()}`, seconds: 3600 };
    return queue.send(database.systemDb, { queue: 'orderWorkflow', data: job, at, ...(once && { once }) });
  };
  const workflow: OrderWorkflow = createOrderWorkflow({
    ...options,
    provider,
    patience: config,
    send,
    onCommit: (tenantId, tags) => cache.drop(tenantId, tags),
    ...(extras.onOrderBoundary && { onBoundary: extras.onOrderBoundary }),
  });
  return {
    authorizeMs: config.authorizeMs,
    consumers: [workflow.consumer],
    start() {
      queue.work('orderWorkflow', (job: OrderJob) => workflow.run(job));
      queue.every('orderSweep', 60, () => workflow.sweep());
    },
  };
}
