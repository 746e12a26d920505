import {
  createOlympus,
  type ChatEvent,
  type ChatMessage,
  type Olympus as Client,
  type PresenceEvent,
  type Tracked,
} from '@olympus/client';
import { randomBytes } from 'node:crypto';
import { WebSocket } from 'ws';

const password = 'correct horse battery';

/** A user with a client of their own. */
export interface Person {
  readonly id: string;
  readonly email: string;
  readonly api: Client;
}

/** Users of one tenant, the owner first. Each client is that of one device. */
export class Team {
  readonly #url: string;
  readonly #clients: Client[] = [];

  constructor(url: string) {
    this.#url = url;
  }

  async owner(): Promise<Person> {
    const api = this.client();
    const email = address('owner');
    const { user } = await api.auth.register.mutate({ tenant: 'Shop', name: 'Olive', email, password });
    return { id: user.id, email, api };
  }

  /** A colleague of the owner. */
  async hire(owner: Person, role: 'viewer' | 'staff' = 'staff'): Promise<Person> {
    const email = address(role);
    const { id } = await owner.api.users.create.mutate({ email, name: role, role, password });
    return { id, email, api: await this.device({ email }) };
  }

  /** Another device of somebody, maybe at another server. */
  async device({ email }: { email: string }, url?: string): Promise<Client> {
    const api = this.client(url);
    await api.auth.login.mutate({ email, password });
    return api;
  }

  client(url = this.#url): Client {
    const api = createOlympus({ url, WebSocket });
    this.#clients.push(api);
    return api;
  }

  close(): void {
    for (const client of this.#clients) client.$close();
  }
}

const address = (name: string) => `${name}-${randomBytes(6).toString('hex')}@shop.test`;

/** What a device hears of its channels, from when it has begun. */
export async function listen(api: Client, input: { lastEventId?: string } = {}) {
  const events: Tracked<ChatEvent>[] = [];
  const subscription = await new Promise<{ unsubscribe(): void }>((resolve, reject) => {
    const made = api.chat.updates.subscribe(input, {
      onStarted: () => resolve(made),
      onData: (event) => events.push(event),
      onError: reject,
    });
  });
  return {
    events,
    /** The texts of the messages that were told of, in order. */
    texts: () => events.flatMap(({ data }) => (data.type === 'chat.message.sent' ? [data.message.text] : [])),
    types: () => events.map(({ data }) => data.type),
    stop: () => subscription.unsubscribe(),
  };
}

/** What a device hears of who is there. */
export function look(api: Client, status: 'online' | 'away' = 'online') {
  const events: PresenceEvent[] = [];
  const subscription = api.chat.presence.subscribe({ status }, { onData: (event) => events.push(event) });
  return {
    events,
    /** What is known of somebody by all that was told. */
    statusOf(userId: string): string {
      let status = 'offline';
      for (const event of events) {
        if (event.type === 'presence.state')
          status = event.users.find((user) => user.userId === userId)?.status ?? 'offline';
        if (event.type === 'presence.changed' && event.userId === userId) ({ status } = event);
      }
      return status;
    },
    typing: () => events.filter((event) => event.type === 'typing'),
    stop: () => subscription.unsubscribe(),
  };
}

let sent = 0;
export const say = async (api: Client, channelId: string, text: string): Promise<ChatMessage> =>
  api.chat.messages.send.mutate({ channelId, clientId: `test-${++sent}`, text });
