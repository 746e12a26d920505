import type { Consumer } from '../../../events/consumers/consumer.ts';
import { createDriver, type DriverOptions, type OrderJob } from './drive.ts';
import { wantedOf } from './next.ts';
import { findOverdue } from './repository.ts';

export interface OrderWorkflowOptions extends DriverOptions {
  /** Puts a job into the queue, for `at` or for now. It may be put there more than once. */
  readonly send: (job: OrderJob, at: Date | null) => Promise<void>;
}

/** What takes the payments of orders from step to step. */
export interface OrderWorkflow {
  /** Has a job sent for each event after which a workflow has something to do. */
  readonly consumer: Consumer;
  /** Does a job: takes a workflow as far as it goes, and has it taken up again when there is more to do. */
  run(job: OrderJob): Promise<void>;
  /** Sends jobs for workflows that should have gone on a while ago. */
  sweep(): Promise<void>;
}

/** Jobs of the queue come first; what nobody has done by then has lost its job. */
const graceMs = 30_000;
const soonMs = 2 * 3_600_000;

export function createOrderWorkflow(options: OrderWorkflowOptions): OrderWorkflow {
  const { database, clock, send, onBoundary = async () => {} } = options;
  const drive = createDriver(options);
  return {
    consumer: {
      name: 'order-workflow',
      types: ['order.created', 'order.updated'],
      async handle({ tenantId, payload }) {
        if (!('order' in payload)) return;
        const { id: orderId, status, paymentStatus } = payload.order;
        if (wantedOf(status, paymentStatus) === null) return;
        await onBoundary({ tenantId, orderId, point: 'received' });
        await send({ tenantId, orderId }, null);
        await onBoundary({ tenantId, orderId, point: 'sent' });
      },
    },
    async run(job) {
      const at = await drive(job);
      // The job is kept until its successor is there. What is days away is left to the sweep.
      if (at && at.getTime() - clock.now().getTime() < soonMs) await send(job, at);
    },
    async sweep() {
      for (const job of await findOverdue(database.systemDb, new Date(clock.now().getTime() - graceMs)))
        await send(job, null);
    },
  };
}
