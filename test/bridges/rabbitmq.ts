import { connect, type ConsumeMessage } from 'amqplib';
import { amqpUrl, ownName, type BrokerDriver, type Received } from './driver.ts';

/** A stock client of RabbitMQ, and queues of its own. */
export async function openRabbitMq(url = amqpUrl): Promise<BrokerDriver> {
  const own = ownName();
  const [exchange, sink, queue] = [own, `${own}.sink`, `${own}.commands`];
  const connection = await connect(`${amqpUrl}?heartbeat=0`);
  const channel = await connection.createConfirmChannel();
  const [events, answers, dead]: [Received[], Received[], Received[]] = [[], [], []];
  const { queue: replyTo } = await channel.assertQueue('', { exclusive: true });
  const collect = (name: string, into: Received[]) =>
    channel.consume(name, (message) => void (message && into.push(receivedOf(message))), { noAck: true });
  await collect(replyTo, answers);
  let takes = false;
  return {
    prefix: 'cloudEvents:',
    events,
    answers,
    dead,
    settings: ({ name = 'partners', types = ['*'], tenants, commands }) => {
      takes = commands !== null;
      return {
        broker: 'rabbitmq',
        name,
        url,
        events: { types, exchange, queue: sink, ...(tenants && { tenants }) },
        ...(commands === null ? {} : { commands: { queue, ...commands } }),
      };
    },
    async listen() {
      await collect(sink, events);
      if (takes) await collect(`${queue}.dead`, dead);
    },
    async send({ id, body, headers = {}, answered }) {
      channel.sendToQueue(queue, Buffer.from(body), {
        ...(id === undefined ? {} : { messageId: id }),
        ...(answered ? { replyTo, correlationId: `of ${id}` } : {}),
        headers,
        persistent: true,
      });
      await channel.waitForConfirms();
    },
    waiting: async () => (await channel.checkQueue(queue)).messageCount,
    async close() {
      for (const name of [sink, queue, `${queue}.dead`]) await channel.deleteQueue(name);
      await channel.deleteExchange(exchange);
      await connection.close();
    },
  };
}

function receivedOf({ fields, properties, content }: ConsumeMessage): Received {
  const headers: Record<string, unknown> = properties.headers ?? {};
  return {
    to: fields.routingKey,
    id: String(properties.messageId ?? properties.correlationId),
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
    body: jsonOr(content.toString()),
  };
}

export function jsonOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
