import { randomBytes, randomUUID } from 'node:crypto';
import { permissionsOf, roles, superAdmin, type Role, type TenantRole } from '@olympus/contracts';
import { sql, type Database } from '@olympus/database';
import type { App } from '@olympus/server/app.ts';
import { registerTenant, rest, type Session } from '../harness.ts';
import { protocolsOf, tree } from './protocols.ts';
import type { Answer, Protocol } from './wire.ts';

export const password = 'correct horse battery';
export const gbp = (amount: string) => ({ amount, currency: 'GBP' });
export const unique = (): string => randomBytes(6).toString('hex');
/** A GIF of one pixel. */
export const pixel = 'R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7';
/** An id that nobody has. */
export const missing = '01890a5d-ac96-774b-bcce-b302099a8057';

/**
 * How one more of each resource is made in a shop. The names hold the shop's mark, so that a text which shows it to
 * another tenant is known at once.
 */
export const makers = {
  user: (shop: Shop): Promise<string> =>
    shop.make('users.create', {
      email: `${shop.mark}-${unique()}@shop.test`,
      name: `${shop.mark} user`,
      role: 'staff',
      password,
    }),
  session: async (shop: Shop): Promise<string> => {
    const id = claimsOf((await shop.signIn()).accessToken).sid;
    shop.allIds.add(id);
    return id;
  },
  customer: (shop: Shop): Promise<string> =>
    shop.make('customers.create', { name: `${shop.mark} customer`, code: `${shop.mark}-${unique()}` }),
  location: (shop: Shop): Promise<string> =>
    shop.make('locations.create', { name: `${shop.mark} location ${unique()}` }),
  product: (shop: Shop): Promise<string> =>
    shop.make('products.create', {
      sku: `${shop.mark}-${unique()}`,
      name: `${shop.mark} product`,
      price: gbp('4.95'),
      stock: 1000,
    }),
  order: async (shop: Shop): Promise<string> =>
    shop.make('orders.create', {
      items: [{ productId: await shop.id('product'), quantity: 1 }],
      customerId: await shop.id('customer'),
      notes: `${shop.mark} order`,
    }),
  apiKey: async (shop: Shop): Promise<string> => {
    const { apiKey } = await shop.call<{ apiKey: { id: string } }>('apiKeys.create', {
      name: `${shop.mark} key`,
      scopes: ['products:read'],
    });
    shop.allIds.add(apiKey.id);
    return apiKey.id;
  },
  picturedProduct: async (shop: Shop): Promise<string> => (await shop.picture()).productId,
  file: async (shop: Shop): Promise<string> => (await shop.picture()).fileId,
  upload: (shop: Shop): Promise<string> => shop.make('files.uploads.create', { length: 42, mediaType: 'image/gif' }),
  auditEntry: async (shop: Shop): Promise<string> => {
    await shop.id('location');
    const input = { limit: 1, procedure: 'locations.create' };
    const { items } = await shop.call<{ items: { id: string }[] }>('audit.list', input);
    const id = items[0]?.id;
    if (id === undefined) throw new Error('a shop that was made has an entry');
    shop.allIds.add(id);
    return id;
  },
  /** With everybody of the shop, of every role, so that each may do there what the others may. */
  channel: async (shop: Shop): Promise<string> => {
    for (const role of roles) if (role !== 'owner') await shop.as(role);
    const input = { sort: 'createdAt', limit: 100 };
    const { items } = await shop.call<{ items: { id: string; active: boolean }[] }>('users.list', input);
    const userIds = items.filter(({ active }) => active).map(({ id }) => id);
    return shop.make('chat.channels.create', { name: `${shop.mark} channel ${unique()}`, userIds });
  },
  message: async (shop: Shop): Promise<string> =>
    shop.make('chat.messages.send', {
      channelId: await shop.id('channel'),
      clientId: unique(),
      text: `${shop.mark} message ${unique()}`,
    }),
  /** Of the owner, who has announced something. */
  notification: async (shop: Shop): Promise<string> => {
    const title = `${shop.mark} news ${unique()}`;
    await shop.call('notifications.announce', { title, text: `${shop.mark} says` });
    for (let attempt = 0; attempt < 1000; attempt++) {
      const { items } = await shop.call<{ items: { id: string; announcement: { title: string } | null }[] }>(
        'notifications.list',
      );
      const made = items.find(({ announcement }) => announcement?.title === title);
      if (made) {
        shop.allIds.add(made.id);
        return made.id;
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error('an announcement comes to everybody');
  },
  deadLetter: (shop: Shop): Promise<string> => shop.deadLetter(),
  webhook: async (shop: Shop): Promise<string> => {
    const { webhook } = await shop.call<{ webhook: { id: string } }>('webhooks.create', {
      url: `https://${shop.mark}.test/hook`,
      types: ['order.updated'],
    });
    shop.allIds.add(webhook.id);
    return webhook.id;
  },
  webhookDelivery: async (shop: Shop): Promise<string> => shop.make('webhooks.test', { id: await shop.id('webhook') }),
  /** One of the platform's, beside the shop. */
  tenant: (shop: Shop): Promise<string> =>
    shop.make('tenants.create', {
      tenant: `${shop.mark} branch`,
      name: `${shop.mark} owner`,
      email: `${shop.mark}-${unique()}@shop.test`,
      password,
    }),
};
export type Resource = keyof typeof makers;

/** Whether only users of the platform may call it: its ids and answers are no tenant's. */
export const ofPlatform = (path: string): boolean => {
  const access = tree.get(path)?.def.access;
  return access !== undefined && access !== 'public' && !permissionsOf.owner.has(access);
};

const platformUsers = new WeakMap<App, Promise<Session>>();
/** A server's user of the platform, signed in. */
function platformUser(app: App): Promise<Session> {
  let user = platformUsers.get(app);
  if (!user) platformUsers.set(app, (user = hirePlatformUser(app)));
  return user;
}
async function hirePlatformUser(app: App): Promise<Session> {
  const email = `platform-${unique()}@olympus.test`;
  await app.createAdmin({ email, name: 'Ada Admin', password });
  const { body } = await rest<Session>(app.url, { method: 'POST', path: '/auth/login', body: { email, password } });
  return body;
}

/** A tenant with its owner signed in, and with one of every resource that is asked for. */
export class Shop {
  readonly owner: Session;
  readonly tenantId: string;
  readonly mark: string;
  readonly #ids = new Map<Resource, Promise<string>>();
  readonly #people = new Map<TenantRole, Promise<Session>>();
  readonly #protocol: Protocol;
  /** Every id that the shop was given. */
  readonly allIds = new Set<string>();

  readonly #platform: Session;
  readonly #database: Database;

  private constructor({ url, database }: App, people: { owner: Session; platform: Session }, mark: string) {
    const { owner, platform } = people;
    this.#database = database;
    this.owner = owner;
    this.#platform = platform;
    this.mark = mark;
    this.tenantId = claimsOf(owner.accessToken).tid;
    this.allIds.add(this.tenantId).add(owner.user.id);
    const protocol = protocolsOf(url).find(({ name }) => name === 'tRPC');
    if (!protocol) throw new Error('tRPC is not served');
    this.#protocol = protocol;
  }

  static async open(app: App): Promise<Shop> {
    const mark = `mark${unique()}`;
    const owner = await registerTenant(app.url, { tenant: `${mark} shop`, name: `${mark} owner`, password });
    return new Shop(app, { owner, platform: await platformUser(app) }, mark);
  }

  get token(): string {
    return this.owner.accessToken;
  }

  /** The token of whoever may call it: the owner's, or that of a user of the platform. */
  tokenFor(path: string): string {
    return ofPlatform(path) ? this.#platform.accessToken : this.token;
  }

  /** Calls as the owner, or for the platform. Throws where the call fails: what a shop is made of must work. */
  async call<T = unknown>(path: string, input?: unknown): Promise<T> {
    const answer = await this.#protocol.call({ path, input, token: this.tokenFor(path) });
    if (answer.code !== 'OK') throw new Error(`${path} of a shop ended with ${answer.text}`);
    return answer.value as T;
  }

  async make(path: string, input: unknown): Promise<string> {
    const { id } = await this.call<{ id: string }>(path, input);
    this.allIds.add(id);
    return id;
  }

  /** The shop's one of a kind. */
  id(resource: Resource): Promise<string> {
    let id = this.#ids.get(resource);
    if (!id) this.#ids.set(resource, (id = makers[resource](this)));
    return id;
  }

  /** Another one, which the caller may spoil. */
  fresh(resource: Resource): Promise<string> {
    return makers[resource](this);
  }

  /** A product with an image. */
  async picture(): Promise<{ productId: string; fileId: string }> {
    const productId = await this.fresh('product');
    const { image } = await this.call<{ image: { id: string } }>('products.setImage', {
      id: productId,
      content: pixel,
    });
    this.allIds.add(image.id);
    return { productId, fileId: image.id };
  }

  /** An event of the shop's order that a consumer could not handle. */
  async deadLetter(): Promise<string> {
    const id = randomUUID();
    const orderId = await this.id('order');
    const put = sql`
      insert into consumer_deliveries
        (tenant_id, id, consumer, lane, subject_key, state, attempts, error, failed_at, event_id, type, event_version,
         subject_id, payload, request_id, occurred_at, created_at)
      select tenant_id, ${id}::uuid, 'idle', 'live', ${id}, 'dead', 8, ${`${this.mark} is away`}, now(), ${id}, type, version,
             subject_id, payload, request_id, created_at, now()
      from events where tenant_id = ${this.tenantId}::uuid and subject_id = ${orderId}::uuid and type = 'order.created'
      limit 1`;
    await this.#database.transaction(this.tenantId, (db) => db.rows(put));
    this.allIds.add(id);
    return id;
  }

  /** Content that the shop's dead letters may be given, another one each time. */
  async letterContent(): Promise<object> {
    const input = { id: await this.id('deadLetter') };
    const { payload } = await this.call<{ payload: { order: object } }>('events.deadLetters.get', input);
    return { ...payload, order: { ...payload.order, notes: `${this.mark} ${unique()}` } };
  }

  /** What of its log the shop may have replayed, in other words each time. */
  async replayable(): Promise<object> {
    await this.id('order');
    // Named again and again, the types make as many inputs as are needed.
    const more = Array.from({ length: 19 }, () => (Math.random() < 0.5 ? 'order.created' : 'product.created'));
    const part = { consumer: 'idle', types: ['order.created', ...more] };
    // Events have their places a moment after their commit.
    for (let tries = 0; tries < 500; tries++) {
      const { count } = await this.call<{ count: number }>('events.replay', part);
      if (count > 0) return part;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error('a shop that sells has events');
  }

  /** What opens the shop's file without a credential. */
  async link(): Promise<string> {
    const { url } = await this.call<{ url: string }>('files.get', { id: await this.id('file') });
    return url.split('/').at(-1) ?? '';
  }

  /** A session of its own for the owner. */
  signIn(email = this.owner.user.email): Promise<Session> {
    return this.call<Session>('auth.login', { email, password });
  }

  /** Somebody of the role, signed in. */
  as(role: Role): Promise<Session> {
    if (role === superAdmin) return Promise.resolve(this.#platform);
    let session = this.#people.get(role);
    if (!session) this.#people.set(role, (session = this.#hire(role)));
    return session;
  }

  async #hire(role: TenantRole): Promise<Session> {
    const email = `${this.mark}-${role}-${unique()}@shop.test`;
    const id = await this.make('users.create', { email, name: `${this.mark} ${role}`, role, password });
    this.allIds.add(id);
    return this.signIn(email);
  }
}

/** What an access token says: its tenant and its session. */
function claimsOf(accessToken: string): { tid: string; sid: string } {
  return JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString()) as {
    tid: string;
    sid: string;
  };
}

/** What differs from answer to answer by nature: the ids that were asked for, request ids, the path of a problem. */
export function likeness({ status, code, text }: Answer, ...asked: string[]): string {
  let body = text;
  for (const id of asked) body = body.replaceAll(id, '<id>');
  body = body
    .replace(/"(requestId|instance|nextCursor|previousCursor)":"[^"]*"/g, '"$1":"…"')
    .replace(/^\{"id":\d+/gm, '{"id":0');
  return `${status} ${code} ${body}`;
}

export const randomKey = (): string => `key-${randomUUID()}`;
