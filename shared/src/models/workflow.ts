import { z } from 'zod';
import { Id, Money } from './common.ts';
import { PaymentStatus } from './order.ts';

/** `none`: the order was placed without a payment. `failed`: the provider refuses what must be done, so somebody must look. */
export const WorkflowState = z
  .enum(['none', 'running', 'waiting', 'finished', 'failed'])
  .meta({ id: 'OrderWorkflowState' });
export type WorkflowState = z.output<typeof WorkflowState>;

/** Stock is reserved and released, an order confirmed and fulfilled; the others are calls to the payment provider. */
export const WorkflowStep = z
  .enum(['reserve', 'authorize', 'confirm', 'fulfil', 'capture', 'release', 'void', 'refund'])
  .meta({ id: 'OrderWorkflowStepName' });
export type WorkflowStep = z.output<typeof WorkflowStep>;

/**
 * `asked`: somebody wants it. `begun` stands before each call to the provider, so that what a crash has cut off can be seen. `unavailable`: the provider
 * did nothing; `unknown`: it did not say what it did; `expired`: the time for it was over.
 */
export const WorkflowOutcome = z
  .enum(['asked', 'begun', 'done', 'refused', 'unavailable', 'unknown', 'expired'])
  .meta({ id: 'OrderWorkflowOutcome' });
export type WorkflowOutcome = z.output<typeof WorkflowOutcome>;

export const OrderWorkflowEntry = z
  .object({
    sequence: z.int().meta({ description: 'From 1, without gaps' }),
    step: WorkflowStep,
    outcome: WorkflowOutcome,
    attempt: z.int().nullable().meta({ description: 'Of a call to the provider, from 1' }),
    reason: z.string().nullable(),
    reference: z.string().nullable().meta({ description: 'The provider’s name for what it did' }),
    userId: Id.nullable().meta({ description: 'Who did it; null for the workflow itself' }),
    at: z.date(),
  })
  .meta({ id: 'OrderWorkflowEntry' });
export type OrderWorkflowEntry = z.output<typeof OrderWorkflowEntry>;

/** How the payment of an order went, and what comes next. */
export const OrderWorkflow = z
  .object({
    orderId: Id,
    state: WorkflowState,
    paymentStatus: PaymentStatus,
    amount: Money.nullable(),
    reason: z.string().nullable().meta({ description: 'Why it ended as it did' }),
    nextAt: z.date().nullable().meta({ description: 'When the server does something next' }),
    deadlineAt: z.date().nullable().meta({
      description: 'Until when the payment must be authorized, and later the order completed; then it is cancelled',
    }),
    steps: z.array(OrderWorkflowEntry).meta({ description: 'All that has happened, oldest first' }),
  })
  .meta({ id: 'OrderWorkflow' });
export type OrderWorkflow = z.output<typeof OrderWorkflow>;
