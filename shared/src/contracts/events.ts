import { z } from 'zod';
import { mutation, query } from '../contract.ts';
import { errors } from '../errors.ts';
import { expectedVersion, Id, pageInput, pageOf, sortOf } from '../models/common.ts';
import {
  ConsumerName,
  ConsumerStanding,
  DeadLetter,
  DeadLetterDetails,
  DeadLetterState,
  EventContent,
  EventType,
  Redrive,
  Replay,
} from '../models/dead-letter.ts';

const { CONSUMER_NOT_FOUND, DEAD_LETTER_NOT_DEAD, DEAD_LETTER_NOT_FOUND } = errors;
/** Events tell of orders at all locations. */
const managed = { access: 'events:manage', everyLocation: true } as const;

const dryRun = z
  .boolean()
  .default(true)
  .meta({ description: 'Only say what would be done; `false` does it', examples: [false] });
const instant = (description: string) =>
  z
    .date()
    .optional()
    .meta({ description, examples: [new Date('2026-01-01T00:00:00Z')] });

const deadLetters = {
  list: query({
    summary: 'List events that a consumer could not handle',
    operationId: 'listDeadLetters',
    rest: 'GET /events/dead-letters',
    ...managed,
    input: z.strictObject({
      ...pageInput,
      sort: sortOf(['createdAt'], '-createdAt'),
      state: DeadLetterState.optional().meta({
        description: 'Which of those that were put aside; dead ones when absent',
      }),
      consumer: ConsumerName.optional(),
      type: EventType.optional(),
      subjectId: Id.optional(),
    }),
    output: pageOf(DeadLetter, 'DeadLetterPage'),
  }),
  get: query({
    summary: 'Get an event that a consumer could not handle, with its content',
    operationId: 'getDeadLetter',
    rest: 'GET /events/dead-letters/{id}',
    ...managed,
    input: z.strictObject({ id: Id }),
    output: DeadLetterDetails,
    errors: { DEAD_LETTER_NOT_FOUND },
  }),
  update: mutation({
    summary: 'Change the content that a dead letter will be tried with; the log keeps what happened',
    operationId: 'updateDeadLetter',
    rest: 'PATCH /events/dead-letters/{id}',
    ...managed,
    input: z.strictObject({ id: Id, payload: EventContent, expectedVersion }),
    output: DeadLetterDetails,
    errors: { DEAD_LETTER_NOT_FOUND, DEAD_LETTER_NOT_DEAD },
  }),
  redrive: mutation({
    summary: 'Try dead letters again, at most 1,000 at once, oldest first; what waits behind them follows in order',
    operationId: 'redriveDeadLetters',
    rest: 'POST /events/dead-letters/redrive',
    ...managed,
    input: z.strictObject({
      ids: z.array(Id).min(1).max(1000).optional().meta({ description: 'Which; all that match when absent' }),
      consumer: ConsumerName.optional(),
      type: EventType.optional(),
      dryRun,
    }),
    output: Redrive,
    errors: { CONSUMER_NOT_FOUND, DEAD_LETTER_NOT_FOUND, DEAD_LETTER_NOT_DEAD },
  }),
  discard: mutation({
    summary: 'Give a dead letter up for good; what waits behind it goes on',
    operationId: 'discardDeadLetter',
    rest: 'DELETE /events/dead-letters/{id}',
    status: 204,
    ...managed,
    input: z.strictObject({ id: Id }),
    output: z.null(),
    errors: { DEAD_LETTER_NOT_FOUND, DEAD_LETTER_NOT_DEAD },
  }),
};

export const events = {
  consumers: query({
    summary: 'List the consumers of events, with how far behind each is',
    operationId: 'listConsumers',
    rest: 'GET /events/consumers',
    ...managed,
    output: z.object({ items: z.array(ConsumerStanding) }).meta({ id: 'ConsumerList' }),
  }),
  deadLetters,
  replay: mutation({
    summary: 'Hand events that are still kept to a consumer again, beside what is new',
    operationId: 'replayEvents',
    rest: 'POST /events/replays',
    ...managed,
    input: z.strictObject({
      consumer: ConsumerName,
      types: z
        .array(EventType)
        .min(1)
        .max(20)
        .optional()
        .meta({ description: 'All that the consumer takes when absent' }),
      from: instant('First instant, included'),
      to: instant('Last instant, not included'),
      dryRun,
    }),
    output: Replay,
    errors: { CONSUMER_NOT_FOUND },
  }),
};
