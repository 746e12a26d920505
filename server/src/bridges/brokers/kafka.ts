import { Consumer, Producer, type Message, type MessageToProduce } from '@platformatic/kafka';
import { createEnd, mayAnswer, within, type IncomingCommand, type OutgoingEvent, type Session } from '../broker.ts';
import type { KafkaSettings } from '../settings.ts';

/** The binding of CloudEvents to Kafka. */
const attributePrefix = 'ce_';
const connectMs = 10_000;
const closeMs = 3000;

type Commands = NonNullable<KafkaSettings['commands']>;
type Sent = MessageToProduce;

const optionsOf = ({ name, brokers, tls, sasl }: KafkaSettings) => ({
  clientId: `olympus-bridge-${name}`,
  bootstrapBrokers: [...brokers],
  connectTimeout: connectMs,
  timeout: connectMs,
  retries: 0,
  ...(tls ? { tls: {} } : {}),
  ...(sasl ? { sasl } : {}),
});

/** Opens a producer, and looks whether the topics are there: Kafka's operators make them, with partitions as they need. */
export async function connectKafka(settings: KafkaSettings): Promise<Session> {
  const producer = new Producer({ ...optionsOf(settings), acks: -1, idempotent: true, autocreateTopics: false });
  const { closed, end } = createEnd();
  producer.on('client:broker:disconnect', () => end(new Error('a broker was disconnected')));
  producer.on('client:broker:failed', () => end(new Error('a broker cannot be reached')));
  let over = false;
  void closed.then(() => (over = true));
  let consumer: Consumer | null = null;
  try {
    const { events, commands } = settings;
    const topics = [...(events ? [events.topic] : []), ...(commands ? [commands.topic, deadLettersOf(commands)] : [])];
    await within(connectMs, 'asking for topics', producer.metadata({ topics, forceUpdate: true }));
  } catch (error) {
    await closing(producer).catch(() => undefined);
    throw error;
  }
  const send = async (message: Sent) => void (await producer.send({ messages: [message] }));
  return {
    closed,
    get ready() {
      return !over;
    },
    publish: (event) => send(messageOf(event, settings.events?.topic ?? '')),
    async take(handle) {
      if (!settings.commands) throw new Error('the bridge takes no commands');
      consumer = new Consumer({ ...optionsOf(settings), groupId: settings.commands.group, autocommit: false });
      return take({ consumer, settings: settings.commands, send, end }, handle);
    },
    async close() {
      end(null);
      await within(closeMs, 'closing the consumer', consumer ? closing(consumer) : Promise.resolve()).catch(
        () => undefined,
      );
      await within(closeMs, 'closing the producer', closing(producer));
    },
  };
}

/** Without waiting for what is under way. */
const closing = (client: { close(force?: boolean): Promise<void> }): Promise<void> => client.close(true);

const deadLettersOf = ({ topic, deadLetters = `${topic}.dead` }: Commands): string => deadLetters;

const headersOf = (values: Readonly<Record<string, string>>): Map<Buffer, Buffer> =>
  new Map(Object.entries(values).map(([name, value]) => [Buffer.from(name), Buffer.from(value)]));

function messageOf({ attributes, body, subjectId, tenantId }: OutgoingEvent, topic: string): Sent {
  const { datacontenttype = 'application/json', ...rest } = attributes;
  const prefixed = Object.fromEntries(Object.entries(rest).map(([name, value]) => [attributePrefix + name, value]));
  return {
    topic,
    // One partition for what is to keep its order.
    key: Buffer.from(subjectId ?? tenantId),
    value: body,
    headers: headersOf({ 'content-type': datacontenttype, ...prefixed }),
  };
}

interface Taking {
  readonly consumer: Consumer;
  readonly settings: Commands;
  readonly send: (message: Sent) => Promise<void>;
  readonly end: (reason: unknown) => void;
}

/**
 * Commands of a partition one after the other, partitions beside each other: an offset says that everything before it is
 * settled.
 */
async function take(taking: Taking, handle: (command: IncomingCommand) => Promise<void>) {
  const { consumer, settings, end } = taking;
  const stream = await consumer.consume({
    topics: [settings.topic],
    mode: 'committed',
    fallbackMode: 'earliest',
    highWaterMark: settings.concurrency,
    autocommit: false,
  });
  const chains = new Map<number, Promise<void>>();
  const waiting = new Set<Promise<void>>();
  let stopped = false;
  const halt = () => (stopped = true);
  const serve = async (message: Message) => {
    if (!stopped) await handle(commandOf(taking, message, halt));
  };
  const read = async () => {
    for await (const message of stream) {
      const { partition } = message;
      const work = (chains.get(partition) ?? Promise.resolve()).then(() => serve(message));
      chains.set(partition, work);
      waiting.add(work);
      void work.finally(() => waiting.delete(work));
      // No more is read ahead than may run at once.
      if (waiting.size >= settings.concurrency) await Promise.race(waiting);
    }
  };
  void read().then(
    () => end(stopped ? null : new Error('the stream of commands has ended')),
    (error: unknown) => end(error),
  );
  return {
    async stop() {
      stopped = true;
      await Promise.all(waiting);
    },
  };
}

function commandOf({ settings, send, end }: Taking, message: Message, halt: () => void): IncomingCommand {
  const { topic, partition, offset, key, value } = message;
  const headers = new Map(
    [...message.headers].map(([name, content]) => [name.toString().toLowerCase(), content.toString()] as const),
  );
  const place = `${topic}:${partition}:${offset}`;
  const id = headers.get('message-id') ?? headers.get('ce_id') ?? place;
  const replyTo = headers.get('reply-to');
  const commit = async () => {
    await message.commit();
  };
  return {
    id,
    headers,
    body: value,
    // Kafka counts none.
    deliveries: 1,
    answer: mayAnswer(replyTo, settings.replies)
      ? (body, contentType) =>
          send({
            topic: replyTo,
            key: Buffer.from(id),
            value: body,
            headers: headersOf({ 'content-type': contentType, 'correlation-id': headers.get('correlation-id') ?? id }),
          })
      : null,
    done: commit,
    async bury({ code, detail }) {
      const reason = { 'message-id': id, 'olympus-error': code, 'olympus-detail': detail, 'olympus-place': place };
      await send({
        topic: deadLettersOf(settings),
        key,
        value,
        headers: headersOf({ ...Object.fromEntries(headers), ...reason }),
      });
      await commit();
    },
    // What is not committed comes again; what follows it must not be committed before.
    release() {
      halt();
      end(null);
    },
  };
}
