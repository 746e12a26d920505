import { Admin, Consumer, Producer, type Message } from '@platformatic/kafka';
import { kafkaBrokers, ownName, type BrokerDriver, type Received } from './driver.ts';
import { jsonOr } from './rabbitmq.ts';

/** A client of Kafka, and topics of its own. */
export async function openKafka(): Promise<BrokerDriver> {
  const own = ownName();
  const [topic, queue, replyTo] = [`${own}.events`, `${own}.commands`, `${own}.answers`];
  const options = { clientId: own, bootstrapBrokers: kafkaBrokers };
  const [admin, producer] = [new Admin(options), new Producer({ ...options, acks: -1 })];
  const topics = [topic, queue, replyTo, `${queue}.dead`];
  await admin.createTopics({ topics, partitions: 3, replicas: 1 });
  const [events, answers, dead]: [Received[], Received[], Received[]] = [[], [], []];
  const consumers: Consumer[] = [];
  const collect = async (name: string, into: Received[]) => {
    const consumer = new Consumer({ ...options, groupId: `${name}.test` });
    consumers.push(consumer);
    const stream = await consumer.consume({ topics: [name], mode: 'earliest', autocommit: true });
    stream.on('data', (message: Message) => void into.push(receivedOf(message)));
  };
  await collect(replyTo, answers);
  const group = `${own}.bridge`;
  return {
    prefix: 'ce_',
    events,
    answers,
    dead,
    settings: ({ name = 'partners', types = ['*'], tenants, commands }) => ({
      broker: 'kafka',
      name,
      brokers: kafkaBrokers,
      events: { types, topic, ...(tenants && { tenants }) },
      ...(commands === null ? {} : { commands: { topic: queue, group, replies: [own], ...commands } }),
    }),
    async listen() {
      await collect(topic, events);
      await collect(`${queue}.dead`, dead);
    },
    async send({ id, body, headers = {}, answered }) {
      const all = { ...headers, ...(id && { 'message-id': id }), ...(answered && { 'reply-to': replyTo }) };
      const made = new Map(Object.entries(all).map(([name, value]) => [Buffer.from(name), Buffer.from(value)]));
      await producer.send({ messages: [{ topic: queue, value: Buffer.from(body), headers: made }] });
    },
    async waiting() {
      const [consumer] = consumers;
      const [heads, committed] = await Promise.all([
        consumer?.listOffsets({ topics: [queue] }),
        admin.listConsumerGroupOffsets({ groups: [group] }),
      ]);
      const done = committed[0]?.topics.find(({ name }) => name === queue)?.partitions ?? [];
      const doneOf = (partition: number) =>
        Number(done.find(({ partitionIndex }) => partitionIndex === partition)?.committedOffset ?? 0);
      const left = (heads?.get(queue) ?? []).map((head, partition) => Number(head) - Math.max(doneOf(partition), 0));
      return left.reduce((sum, one) => sum + one, 0);
    },
    async close() {
      await Promise.all(consumers.map((consumer) => consumer.close()));
      await producer.close();
      await admin.deleteTopics({ topics });
      await admin.close();
    },
  };
}

function receivedOf({ topic, headers, value }: Message): Received {
  const given = Object.fromEntries([...headers].map(([name, content]) => [name.toString(), content.toString()]));
  const id = given['ce_id'] ?? given['correlation-id'] ?? given['message-id'] ?? '';
  // As if the topic were the subject that others have.
  const source = given['ce_source']?.split('/').at(-1);
  return {
    to: source === undefined ? topic : `olympus.${source}.${given['ce_type']}`,
    id,
    headers: given,
    body: jsonOr(value.toString()),
  };
}
