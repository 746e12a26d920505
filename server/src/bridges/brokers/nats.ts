import {
  AckPolicy,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  type Consumer,
  type JetStreamClient,
  type JetStreamManager,
  type JsMsg,
} from '@nats-io/jetstream';
import {
  connect,
  credsAuthenticator,
  headers as newHeaders,
  nanos,
  type MsgHdrs,
  type NatsConnection,
  type NodeConnectionOptions,
} from '@nats-io/transport-node';
import { createEnd, mayAnswer, within, type IncomingCommand, type Session } from '../broker.ts';
import { headerValue } from '../cloud-event.ts';
import type { NatsSettings } from '../settings.ts';

const attributePrefix = 'ce-';
const connectMs = 10_000;
const closeMs = 1000;
const publishMs = 5000;
/** What is not settled or said to be worked on by then is delivered again. */
const ackWaitMs = 30_000;
const workingMs = 10_000;
const pullMs = 5000;
/** Within this time JetStream itself drops what comes twice with one id. */
const duplicatesMs = 600_000;

type Commands = NonNullable<NatsSettings['commands']>;

/** Opens a connection, and what is named in the settings. It is made again by the link, not by the client. */
export async function connectNats(settings: NatsSettings): Promise<Session> {
  const connection = await connect({
    ...accessOf(settings),
    name: `olympus bridge ${settings.name}`,
    reconnect: false,
    timeout: connectMs,
    pingInterval: 10_000,
    maxPingOut: 2,
  });
  const { closed, end } = createEnd();
  void connection.closed().then((error) => end(error ?? new Error('the connection was closed')));
  try {
    const manager = await jetstreamManager(connection, { timeout: publishMs });
    if (settings.declare) await declare(manager, settings);
    return sessionOf({ connection, manager, settings, closed });
  } catch (error) {
    await connection.close().catch(() => undefined);
    throw error;
  }
}

/** User and password may stand in the addresses, where the client does not look for them. */
function accessOf({ servers, token, credentials }: NatsSettings): NodeConnectionOptions {
  const urls = servers.map((text) => new URL(text));
  const { username = '', password = '' } = urls.find((url) => url.username !== '') ?? {};
  return {
    servers: urls.map(({ hostname, port }) => `${hostname}:${port || '4222'}`),
    ...(urls.some(({ protocol }) => protocol === 'tls:') ? { tls: {} } : {}),
    ...(username ? { user: decodeURIComponent(username), pass: decodeURIComponent(password) } : {}),
    ...(token === undefined ? {} : { token }),
    ...(credentials === undefined ? {} : { authenticator: credsAuthenticator(new TextEncoder().encode(credentials)) }),
  };
}

const deadLettersOf = ({ subject, deadLetters = `${subject}.dead` }: Commands): string => deadLetters;

/** Streams that are there already stay as they are. */
async function declare(manager: JetStreamManager, { events, commands }: NatsSettings): Promise<void> {
  const known = new Set<string>();
  for await (const { config } of manager.streams.list()) known.add(config.name);
  if (events && !known.has(events.stream))
    await manager.streams.add({
      name: events.stream,
      subjects: [`${events.prefix}.>`],
      max_age: nanos(events.days * 86_400_000),
      duplicate_window: nanos(duplicatesMs),
    });
  if (!commands) return;
  const { stream, subject } = commands;
  if (!known.has(stream))
    await manager.streams.add({
      name: stream,
      subjects: [subject],
      retention: RetentionPolicy.Workqueue,
      duplicate_window: nanos(duplicatesMs),
    });
  if (!known.has(`${stream}_DEAD`) && commands.deadLetters === undefined)
    await manager.streams.add({ name: `${stream}_DEAD`, subjects: [deadLettersOf(commands)] });
}

interface Open {
  readonly connection: NatsConnection;
  readonly manager: JetStreamManager;
  readonly settings: NatsSettings;
  readonly closed: Promise<unknown>;
}

function sessionOf({ connection, manager, settings, closed }: Open): Session {
  const client = jetstream(connection, { timeout: publishMs });
  return {
    closed,
    get ready() {
      return !connection.isClosed();
    },
    async publish({ id, tenantId, type, attributes, body }) {
      const headers = newHeaders();
      for (const [name, value] of Object.entries(attributes)) headers.set(attributePrefix + name, headerValue(value));
      // Rejects where no stream takes the subject.
      await client.publish(`${settings.events?.prefix}.${tenantId}.${type}`, body, { msgID: id, headers });
    },
    take: async (handle) => {
      if (!settings.commands) throw new Error('the bridge takes no commands');
      await consumerOf(manager, settings.commands);
      const { stream, durable } = settings.commands;
      const consumer = await client.consumers.get(stream, durable);
      return take({ connection, client, settings: settings.commands, consumer }, handle);
    },
    // Where the server does not answer any more, what is left of the connection ends with its pings.
    close: () => within(closeMs, 'closing the connection', connection.close()),
  };
}

/** One durable consumer for all processes. */
async function consumerOf(manager: JetStreamManager, { stream, subject, durable }: Commands): Promise<void> {
  const known = new Set<string>();
  for await (const { name } of manager.consumers.list(stream)) known.add(name);
  if (!known.has(durable))
    await manager.consumers.add(stream, {
      durable_name: durable,
      ack_policy: AckPolicy.Explicit,
      ack_wait: nanos(ackWaitMs),
      filter_subject: subject,
    });
}

interface Taking {
  readonly connection: NatsConnection;
  readonly client: JetStreamClient;
  readonly settings: Commands;
  readonly consumer: Consumer;
}

/** As many ask for the next command as may run at once, so that none waits here while another process is free. */
function take(taking: Taking, handle: (command: IncomingCommand) => Promise<void>) {
  const { connection, consumer, settings } = taking;
  let stopped = false;
  async function serve(): Promise<void> {
    while (!stopped && !connection.isClosed()) {
      const message = await consumer.next({ expires: pullMs });
      if (!message) continue;
      if (stopped) {
        message.nak();
        return;
      }
      const working = setInterval(() => message.working(), workingMs);
      try {
        await handle(commandOf(taking, message));
      } finally {
        clearInterval(working);
      }
    }
  }
  for (let n = 0; n < settings.concurrency; n++)
    // What breaks it is the connection's end, or the consumer's: then the link has to begin anew.
    void serve().catch(() => connection.close());
  return {
    stop: async () => {
      stopped = true;
    },
  };
}

function commandOf({ connection, client, settings }: Taking, message: JsMsg): IncomingCommand {
  const { headers: given, info, data, subject } = message;
  const headers = new Map((given?.keys() ?? []).map((name) => [name.toLowerCase(), given?.get(name) ?? ''] as const));
  const id = headers.get('nats-msg-id') ?? headers.get('ce-id') ?? `${info.stream}:${info.streamSequence}`;
  const replyTo = headers.get('reply-to');
  return {
    id,
    headers,
    body: data,
    deliveries: info.deliveryCount,
    answer: mayAnswer(replyTo, settings.replies)
      ? async (body, contentType) =>
          connection.publish(replyTo, body, {
            headers: headersOf({ 'content-type': contentType, 'correlation-id': id }),
          })
      : null,
    done: () => settled(message.ackAck()),
    async bury({ code, detail }) {
      const reason = { 'olympus-error': code, 'olympus-detail': headerValue(detail), 'olympus-subject': subject };
      const kept = Object.fromEntries([...headers].filter(([name]) => !name.startsWith('nats-')));
      await client.publish(deadLettersOf(settings), data, {
        msgID: `${info.stream}:${info.streamSequence}`,
        headers: headersOf({ ...kept, 'message-id': id, ...reason }),
      });
      // Servers before 2.11 do not understand a reason here, and would deliver it again.
      message.term();
      await connection.flush();
    },
    release: () => message.nak(),
  };
}

/** JetStream has heard of it. */
async function settled(answer: Promise<boolean>): Promise<void> {
  if (!(await answer)) throw new Error('the acknowledgement was not answered');
}

function headersOf(values: Readonly<Record<string, string>>): MsgHdrs {
  const made = newHeaders();
  for (const [name, value] of Object.entries(values)) made.set(name, value);
  return made;
}
