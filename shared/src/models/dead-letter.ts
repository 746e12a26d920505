import { z } from 'zod';
import { eventSchemas, type EventName } from '../events.ts';
import { Id, stamps } from './common.ts';

const eventNames = Object.keys(eventSchemas) as [EventName, ...EventName[]];
/** The events that the log holds. */
export const EventType = z.enum(eventNames).meta({ id: 'EventType', examples: ['order.created'] });

/** Code registers them, so there is no list to choose from. */
export const ConsumerName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,49}$/, 'must be the name of a consumer, such as webhooks')
  .meta({ id: 'ConsumerName', description: 'Who was to handle the event', examples: ['webhooks'] });

/** `dead`: given up. `retrying`: tried again at `nextAttemptAt`. `held`: waits behind an earlier event of its subject. */
export const DeadLetterState = z.enum(['dead', 'retrying', 'held']).meta({ id: 'DeadLetterState' });

/** How a consumer stands in the tenant's log of events. */
export const ConsumerStanding = z
  .object({
    consumer: ConsumerName,
    types: z.array(z.string()).meta({ description: 'The events that it takes', examples: [['order.created']] }),
    behind: z.int().meta({ description: 'Events that it has not come to, whether it takes them or passes them over' }),
    since: z.date().nullable().meta({ description: 'When the oldest of them happened' }),
    dead: z.int().meta({ description: 'Events that it has given up' }),
    retrying: z.int().meta({ description: 'Events that it will be given again' }),
    held: z.int().meta({ description: 'Events that wait behind an earlier one of their subject' }),
  })
  .meta({ id: 'ConsumerStanding' });
export type ConsumerStanding = z.output<typeof ConsumerStanding>;

/** A JSON object; instants are texts. */
export const EventContent = z
  .record(z.string(), z.unknown())
  .meta({ id: 'EventContent', description: 'The content of an event as its type says' });

/** An event that a consumer could not handle, without its content. */
export const DeadLetter = z
  .object({
    id: Id,
    consumer: ConsumerName,
    state: DeadLetterState,
    eventId: z.string().meta({ description: 'The same as on event streams', examples: ['ZGVtby4x'] }),
    type: z.string().meta({ examples: ['order.created'] }),
    subjectId: Id.nullable().meta({ description: 'The order or product that it is about' }),
    replayId: Id.nullable().meta({ description: 'The replay that it came by; null for the log itself' }),
    attempts: z.int(),
    error: z.string().nullable().meta({ description: 'Why the last attempt failed, without secrets' }),
    failedAt: z.date().nullable().meta({ description: 'When the last attempt failed' }),
    nextAttemptAt: z.date().nullable(),
    requestId: z.string().nullable().meta({ description: 'The call that caused the event' }),
    occurredAt: z.date(),
    editedBy: Id.nullable().meta({ description: 'Who last changed the content' }),
    createdAt: z.date().meta({ description: 'When it was put aside' }),
    version: stamps.version,
  })
  .meta({ id: 'DeadLetter' });
export type DeadLetter = z.output<typeof DeadLetter>;

export const DeadLetterDetails = z
  .object({
    deadLetter: DeadLetter,
    payload: EventContent,
    heldBehind: z.int().meta({ description: 'Later events of the same subject that wait for it' }),
  })
  .meta({ id: 'DeadLetterDetails' });
export type DeadLetterDetails = z.output<typeof DeadLetterDetails>;

export const Redrive = z
  .object({
    dryRun: z.boolean(),
    count: z.int().meta({ description: 'Dead letters that are, or would be, tried again' }),
    heldBehind: z.int().meta({ description: 'Later events that follow when these succeed' }),
    deadLetters: z.array(DeadLetter).meta({ description: 'The first 100 of them, as they stood before' }),
  })
  .meta({ id: 'Redrive' });

export const Replay = z
  .object({
    dryRun: z.boolean(),
    replayId: Id.nullable().meta({ description: 'null for a dry run, and where there is nothing to replay' }),
    consumer: ConsumerName,
    count: z.int().meta({ description: 'Events that are, or would be, handed over again' }),
  })
  .meta({ id: 'Replay' });
