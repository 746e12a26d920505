import { AckPolicy, jetstream, jetstreamManager, type JsMsg } from '@nats-io/jetstream';
import { connect, createInbox, headers as newHeaders, type Msg } from '@nats-io/transport-node';
import { natsUrl, ownName, type BrokerDriver, type Received } from './driver.ts';
import { jsonOr } from './rabbitmq.ts';

/** A stock client of NATS, and streams of its own. */
export async function openNats(url = natsUrl): Promise<BrokerDriver> {
  const own = ownName();
  const [prefix, stream, commandStream, subject] = [own, `${own}_EVENTS`, `${own}_COMMANDS`, `${own}-commands`];
  const connection = await connect({ servers: new URL(natsUrl).host });
  const manager = await jetstreamManager(connection);
  const client = jetstream(connection);
  const [events, answers, dead]: [Received[], Received[], Received[]] = [[], [], []];
  const inbox = createInbox();
  connection.subscribe(inbox, { callback: (_, message) => void answers.push(receivedOf(message)) });
  const collect = async (name: string, into: Received[]) => {
    const { name: durable } = await manager.consumers.add(name, { ack_policy: AckPolicy.None });
    const messages = await (await client.consumers.get(name, durable)).consume();
    void (async () => {
      for await (const message of messages) into.push(receivedOf(message));
    })();
  };
  let takes = false;
  return {
    prefix: 'ce-',
    events,
    answers,
    dead,
    settings: ({ name = 'partners', types = ['*'], tenants, commands }) => {
      takes = commands !== null;
      return {
        broker: 'nats',
        name,
        servers: [url],
        events: { types, prefix, stream, ...(tenants && { tenants }) },
        ...(commands === null ? {} : { commands: { stream: commandStream, subject, ...commands } }),
      };
    },
    async listen() {
      await collect(stream, events);
      if (takes) await collect(`${commandStream}_DEAD`, dead);
    },
    async send({ id, body, headers = {}, answered }) {
      const made = newHeaders();
      for (const [name, value] of Object.entries(headers)) made.set(name, value);
      if (answered) made.set('Reply-To', inbox);
      // Not the id by which JetStream drops what comes twice: these are to come twice.
      if (id !== undefined) made.set('ce-id', id);
      await client.publish(subject, body, { headers: made });
    },
    waiting: async () => (await manager.streams.info(commandStream)).state.messages,
    async close() {
      for (const name of [stream, commandStream, `${commandStream}_DEAD`])
        await manager.streams.delete(name).catch(() => false);
      await connection.close();
    },
  };
}

function receivedOf(message: JsMsg | Msg): Received {
  const { subject, headers } = message;
  const given = Object.fromEntries((headers?.keys() ?? []).map((name) => [name, headers?.get(name) ?? '']));
  const id = given['Nats-Msg-Id'] ?? given['correlation-id'] ?? '';
  return { to: subject, id, headers: given, body: jsonOr(message.string()) };
}
