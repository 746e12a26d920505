import { eventSchemas, type EventName } from '@olympus/contracts';
import { z } from 'zod';

const eventNames = Object.keys(eventSchemas) as EventName[];

/** The events that `order.created`, `order.*` or `*` stands for. */
const eventsOf = (pattern: string): EventName[] =>
  eventNames.filter((name) => (pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern));

const types = z
  .array(z.string())
  .min(1, 'must choose at least one, such as order.* or *')
  .transform((patterns, context): EventName[] => {
    patterns.forEach((pattern, at) => {
      if (!/^(?:[a-z.]+|(?:[a-z.]+\.)?\*)$/.test(pattern) || eventsOf(pattern).length === 0)
        context.addIssue({
          code: 'custom',
          path: [at],
          message: `must be *, a beginning such as order.*, or one of ${eventNames.join(', ')}`,
        });
    });
    return [...new Set(patterns.flatMap(eventsOf))];
  });

const forwarded = {
  types,
  /** Absent: all. */
  tenants: z.array(z.uuid()).min(1).optional(),
};

const procedurePattern = z
  .string()
  .regex(
    /^(?:[A-Za-z]+(?:\.[A-Za-z]+)*|(?:[A-Za-z]+\.)*\*)$/,
    'must be a procedure such as orders.setStatus, or orders.*',
  );
const taken = {
  /** An API key, by which commands are carried out that bring none of their own; absent: each must. */
  key: z
    .string()
    .regex(/^[\x21-\x7e]{16,8192}$/, 'must be an API key')
    .optional(),
  /** Procedures that may be called; absent: whatever the key may. */
  procedures: z.array(procedurePattern).min(1).optional(),
  /** At once, in each process. With 1 they are carried out in the order of the queue. */
  concurrency: z.int().min(1).max(256).default(8),
  /** Attempts at a command that fails by a fault of ours, before it is put among dead letters. */
  attempts: z.int().min(1).max(100).default(5),
};
/** With what the name of a place begins that answers may be sent to. */
const replies = (...defaults: string[]) => z.array(z.string().min(1).max(200)).default(defaults);

const name = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,39}$/, 'must be 1 to 40 small letters, digits and hyphens, a letter first');
const entity = (what: string) =>
  z.string().regex(/^[\w.-]{1,200}$/, `must be the name of ${what}: letters, digits, dots, hyphens and underscores`);
const schemed = (text: string, ...schemes: string[]) => URL.canParse(text) && schemes.includes(new URL(text).protocol);
const declare = z.boolean().default(true);

const RabbitMq = z.strictObject({
  broker: z.literal('rabbitmq'),
  name,
  url: z
    .string()
    .refine(
      (text) => schemed(text, 'amqp:', 'amqps:'),
      'must be an address such as amqps://user:password@host:5671/vhost',
    ),
  /** Whether exchanges and queues are made where they are missing; else they must be there. */
  declare,
  events: z
    .strictObject({
      ...forwarded,
      /** A topic exchange; routing keys are `olympus.<tenant>.<type>`. */
      exchange: entity('an exchange').default('olympus'),
      /** A queue that is bound to it from the beginning, so that nothing waits for whoever reads it. */
      queue: entity('a queue').optional(),
      /** What becomes of an event that no queue is bound for: tried again and then a dead letter, or dropped. */
      unroutable: z.enum(['fail', 'drop']).default('fail'),
    })
    .optional(),
  commands: z
    .strictObject({
      ...taken,
      queue: entity('a queue'),
      /** Absent: the queue's name and `.dead`. */
      deadLetters: entity('a queue').optional(),
      replies: replies('amq.'),
    })
    .optional(),
});

const Nats = z.strictObject({
  broker: z.literal('nats'),
  name,
  servers: z
    .array(
      z
        .string()
        .refine((text) => schemed(text, 'nats:', 'tls:'), 'must be an address such as tls://user:password@host:4222'),
    )
    .min(1),
  /** A token, instead of user and password in the addresses. */
  token: z.string().min(1).optional(),
  /** The text of a `.creds` file, likewise. */
  credentials: z.string().min(1).optional(),
  /** Whether streams are made where they are missing; else they must be there. */
  declare,
  events: z
    .strictObject({
      ...forwarded,
      /** Subjects are `<prefix>.<tenant>.<type>`. */
      prefix: entity('a subject').default('olympus'),
      stream: z
        .string()
        .regex(/^[\w-]{1,200}$/, 'must be the name of a stream')
        .default('OLYMPUS_EVENTS'),
      /** How long a stream that is made here keeps them. */
      days: z.int().min(1).max(3650).default(7),
    })
    .optional(),
  commands: z
    .strictObject({
      ...taken,
      stream: z
        .string()
        .regex(/^[\w-]{1,200}$/, 'must be the name of a stream')
        .default('OLYMPUS_COMMANDS'),
      subject: entity('a subject').default('olympus-commands'),
      /** The durable consumer that all processes share. */
      durable: z
        .string()
        .regex(/^[\w-]{1,200}$/, 'must be the name of a consumer')
        .default('olympus'),
      /** A subject of a stream; absent: the subject and `.dead`, in the stream's own name and `_DEAD`. */
      deadLetters: entity('a subject').optional(),
      replies: replies('_INBOX.'),
    })
    .optional(),
});

const Kafka = z.strictObject({
  broker: z.literal('kafka'),
  name,
  brokers: z.array(z.string().regex(/^[^\s/:@]+:\d{1,5}$/, 'must be an address such as host:9092')).min(1),
  tls: z.boolean().default(false),
  sasl: z
    .strictObject({
      mechanism: z.enum(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']),
      username: z.string().min(1),
      password: z.string().min(1),
    })
    .optional(),
  events: z.strictObject({ ...forwarded, topic: entity('a topic').default('olympus.events') }).optional(),
  commands: z
    .strictObject({
      ...taken,
      topic: entity('a topic').default('olympus.commands'),
      group: entity('a group').default('olympus'),
      /** Absent: the topic's name and `.dead`. */
      deadLetters: entity('a topic').optional(),
      replies: replies(),
    })
    .optional(),
});

const Bridge = z.discriminatedUnion('broker', [RabbitMq, Nats, Kafka]).superRefine(({ events, commands }, context) => {
  if (!events && !commands) context.addIssue({ code: 'custom', message: 'must have events, commands or both' });
});
export type BridgeSettings = z.output<typeof Bridge>;
export type RabbitMqSettings = z.output<typeof RabbitMq>;
export type NatsSettings = z.output<typeof Nats>;
export type KafkaSettings = z.output<typeof Kafka>;
export type CommandSettings = NonNullable<BridgeSettings['commands']>;

/** `OLYMPUS_BRIDGES`: brokers that events are forwarded to and commands are taken from. */
export const Bridges = z.array(Bridge).superRefine((all, context) => {
  const twice = all.findIndex(({ name }, at) => all.findIndex((one) => one.name === name) !== at);
  if (twice >= 0) context.addIssue({ code: 'custom', path: [twice, 'name'], message: 'must not be there twice' });
});
