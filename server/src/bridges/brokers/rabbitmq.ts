import { connect, type ChannelModel, type ConfirmChannel, type ConsumeMessage, type Options } from 'amqplib';
import {
  createEnd,
  mayAnswer,
  Unroutable,
  within,
  type IncomingCommand,
  type OutgoingEvent,
  type Session,
} from '../broker.ts';
import type { RabbitMqSettings } from '../settings.ts';

/** The binding of CloudEvents to AMQP has attributes under this prefix; RabbitMQ hands headers to AMQP 1.0 as they are. */
const attributePrefix = 'cloudEvents:';
const durable: Options.AssertQueue = { durable: true, arguments: { 'x-queue-type': 'quorum' } };
/** How often RabbitMQ itself delivers what nobody settles. */
const deliveryLimit = 20;
const connectMs = 10_000;
const closeMs = 1000;

/** Opens a connection with heartbeats, a channel with confirms, and what is named in the settings. */
export async function connectRabbitMq(settings: RabbitMqSettings): Promise<Session> {
  const connection = await connect(withHeartbeat(settings.url), {
    timeout: connectMs,
    noDelay: true,
    clientProperties: { connection_name: `olympus bridge ${settings.name}` },
  });
  const { closed, end } = createEnd();
  connection.on('error', end);
  connection.on('close', end);
  try {
    await within(connectMs, 'declaring exchanges and queues', declare(connection, settings));
    return await within(connectMs, 'opening a channel', open({ connection, settings, closed, end }));
  } catch (error) {
    await closeOf(connection)().catch(() => undefined);
    throw error;
  }
}

/** A server that was stopped or cut off is found out within twice this time. */
function withHeartbeat(text: string): string {
  const url = new URL(text);
  if (!url.searchParams.has('heartbeat')) url.searchParams.set('heartbeat', '10');
  return url.href;
}

const closeOf = (connection: ChannelModel) => () => within(closeMs, 'closing the connection', connection.close());

/** On a channel of its own: a fault closes the channel, and its reason is what went wrong. */
async function declare(connection: ChannelModel, settings: RabbitMqSettings): Promise<void> {
  const channel = await connection.createChannel();
  let fault: unknown = null;
  channel.on('error', (error) => (fault = error));
  const { events, commands } = settings;
  try {
    if (events) {
      const { exchange, queue } = events;
      if (settings.declare) await channel.assertExchange(exchange, 'topic', { durable: true });
      else await channel.checkExchange(exchange);
      if (queue !== undefined && settings.declare) {
        await channel.assertQueue(queue, durable);
        await channel.bindQueue(queue, exchange, 'olympus.#');
      }
    }
    if (commands) {
      const { queue } = commands;
      const dead = deadLettersOf(commands);
      if (settings.declare) {
        await channel.assertQueue(dead, durable);
        await channel.assertQueue(queue, {
          durable: true,
          arguments: {
            'x-queue-type': 'quorum',
            'x-delivery-limit': deliveryLimit,
            'x-dead-letter-exchange': '',
            'x-dead-letter-routing-key': dead,
          },
        });
      } else for (const name of [queue, dead]) await channel.checkQueue(name);
    }
    await channel.close();
  } catch (error) {
    throw fault ?? error;
  }
}

const deadLettersOf = ({ queue, deadLetters = `${queue}.dead` }: NonNullable<RabbitMqSettings['commands']>): string =>
  deadLetters;

interface Opening {
  readonly connection: ChannelModel;
  readonly settings: RabbitMqSettings;
  readonly closed: Promise<unknown>;
  readonly end: (reason: unknown) => void;
}

async function open({ connection, settings, closed, end }: Opening): Promise<Session> {
  const channel = await connection.createConfirmChannel();
  channel.on('error', end);
  channel.on('close', () => end(new Error('the channel was closed')));
  let [over, blocked] = [false, false];
  void closed.then(() => (over = true));
  connection.on('blocked', () => (blocked = true));
  connection.on('unblocked', () => (blocked = false));
  const send = createSending(channel);
  return {
    closed,
    get ready() {
      return !over && !blocked;
    },
    async publish(event) {
      const { exchange = '', unroutable } = settings.events ?? {};
      const to = { exchange, key: `olympus.${event.tenantId}.${event.type}` };
      const routed = await send(to, event.body, propertiesOf(event));
      if (!routed && unroutable === 'fail')
        throw new Unroutable(`no queue is bound to the exchange ${exchange} for ${to.key}`);
    },
    take: (handle) => take({ channel, settings, send, end }, handle),
    close: closeOf(connection),
  };
}

const propertiesOf = ({ id, type, attributes }: OutgoingEvent): Options.Publish => {
  const { datacontenttype, ...rest } = attributes;
  return {
    messageId: id,
    type,
    appId: 'olympus',
    contentType: datacontenttype ?? 'application/json',
    timestamp: Math.floor(Date.parse(rest['time'] ?? '') / 1000),
    headers: Object.fromEntries(Object.entries(rest).map(([name, value]) => [attributePrefix + name, value])),
  };
};

/** Resolves once the broker has confirmed, to whether a queue has it. */
type Send = (
  to: { readonly exchange: string; readonly key: string },
  body: Buffer,
  properties: Options.Publish,
) => Promise<boolean>;

function createSending(channel: ConfirmChannel): Send {
  // What no queue is bound for comes back before it is confirmed.
  const returned = new Set<unknown>();
  channel.on('return', ({ properties }) => returned.add(properties.messageId));
  return ({ exchange, key }, body, properties) =>
    new Promise((resolve, reject) => {
      const options = { persistent: true, mandatory: true, ...properties };
      channel.publish(exchange, key, body, options, (error: unknown) => {
        const isReturned = returned.delete(properties.messageId);
        if (error) reject(error instanceof Error ? error : new Error('the broker has refused the message'));
        else resolve(!isReturned);
      });
    });
}

interface Taking {
  readonly channel: ConfirmChannel;
  readonly settings: RabbitMqSettings;
  readonly send: Send;
  readonly end: (reason: unknown) => void;
}

async function take(taking: Taking, handle: (command: IncomingCommand) => Promise<void>) {
  const { channel, settings, end } = taking;
  if (!settings.commands) throw new Error('the bridge takes no commands');
  const { queue, concurrency } = settings.commands;
  await channel.prefetch(concurrency);
  const { consumerTag } = await channel.consume(queue, (message) => {
    if (message) void handle(commandOf(taking, message));
    else end(new Error(`the queue ${queue} was deleted`));
  });
  return { stop: async () => void (await channel.cancel(consumerTag)) };
}

function commandOf({ channel, settings, send }: Taking, message: ConsumeMessage): IncomingCommand {
  const { properties, content, fields } = message;
  const { commands } = settings;
  const given: Record<string, unknown> = properties.headers ?? {};
  const headers = new Map(Object.entries(given).map(([name, value]) => [name.toLowerCase(), String(value)]));
  const id = textOr(properties.messageId, null) ?? headers.get(`${attributePrefix.toLowerCase()}id`) ?? null;
  const replyTo = textOr(properties.replyTo, undefined);
  const counted = Number(given['x-delivery-count']);
  return {
    id,
    headers,
    body: content,
    deliveries: Number.isInteger(counted) ? counted + 1 : fields.redelivered ? 2 : 1,
    answer: mayAnswer(replyTo, commands?.replies ?? [])
      ? async (body, contentType) => {
          const correlationId = textOr(properties.correlationId, null) ?? id ?? '';
          // Whoever has left gets no answer; that is no fault of the command.
          await send({ exchange: '', key: replyTo }, body, { contentType, correlationId, appId: 'olympus' });
        }
      : null,
    done: async () => channel.ack(message),
    async bury({ code, detail }) {
      const { replyTo: _, ...rest } = properties;
      const reason = { 'olympus-error': code, 'olympus-detail': detail, 'olympus-queue': fields.routingKey };
      const key = commands ? deadLettersOf(commands) : '';
      const routed = await send({ exchange: '', key }, content, { ...rest, headers: { ...given, ...reason } });
      if (!routed) throw new Unroutable(`there is no queue ${key} for dead letters`);
      channel.ack(message);
    },
    release: () => channel.nack(message, false, true),
  };
}

const textOr = <T>(value: unknown, otherwise: T): string | T =>
  typeof value === 'string' && value !== '' ? value : otherwise;
