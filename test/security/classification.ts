import { unique, password, pixel, gbp, type Resource, type Shop } from './shop.ts';

/**
 * What the attacks need to know of each procedure beside its contract. Every attack of this folder is made on every
 * procedure by this list; one that is not in it fails `classification.test.ts`.
 *
 * Ordinary CRUD is one line: `reads` or `writes`, which input fields are ids and of which resource (`'items.0.productId'`
 * for one inside a list), and the rest of a valid input. A new kind of resource is one line in `makers` of `shop.ts`.
 */
export interface Classified {
  /** Ids by the path of their field in the sample. Each gets an id of the shop, or in an attack another tenant's. */
  readonly ids: Readonly<Record<string, Resource>>;
  /** Ids of fields that exclude what is in the sample: named here, and sent in its place by nobody but an attacker. */
  readonly also?: Readonly<Record<string, Resource>>;
  /** The rest of a valid input. Two samples of a write differ, so that a key can meet another input. */
  readonly rest: (shop: Shop) => object | Promise<object>;
  /** `signsIn`: gives out or ends credentials, without a key and without ids. */
  readonly effect: 'reads' | 'writes' | 'signsIn';
  /** The sample is well-formed and refused: success needs what only a mail or an app knows, or spoils the shop. */
  readonly refused?: true;
  /** Only whoever made the resource may do it: not even another owner of the tenant. */
  readonly personal?: true;
}

type Rest = Classified['rest'];
const nothing: Rest = () => ({});
const reads = (ids: Classified['ids'] = {}, rest = nothing): Classified => ({ ids, rest, effect: 'reads' });
const writes = (ids: Classified['ids'], rest: Rest): Classified => ({ ids, rest, effect: 'writes' });
const signsIn = (rest: Rest): Classified => ({ ids: {}, rest, effect: 'signsIn' });
const refused = (rest: Rest): Classified => ({ ids: {}, rest, effect: 'signsIn', refused: true });

const user = ({ mark }: Shop) => ({
  email: `${mark}-${unique()}@shop.test`,
  name: `${mark} user`,
  role: 'viewer',
  locationIds: [],
});
const customer = ({ mark }: Shop) => ({ name: `${mark} customer`, code: `${mark}-${unique()}` });
const location = ({ mark }: Shop) => ({ name: `${mark} location ${unique()}`, address: 'High Street 1' });
const product = ({ mark }: Shop) => ({ sku: `${mark}-${unique()}`, name: `${mark} product`, price: gbp('2.50') });
const apiKey = ({ mark }: Shop) => ({ name: `${mark} key ${unique()}`, scopes: ['orders:read'] });
const webhook = ({ mark }: Shop) => ({ url: `https://${mark}-${unique()}.test/hook`, types: ['product.created'] });
const choices = ['mine', 'off', 'all'];
let turn = 0;
const announcement = ({ mark }: Shop) => ({ title: `${mark} news ${unique()}`, text: `${mark} says` });
const notes = ({ mark }: Shop) => ({ notes: `${mark} ${unique()}` });

export const classification: Readonly<Record<string, Classified>> = {
  'auth.register': signsIn(({ mark }) => ({
    tenant: `${mark} other`,
    name: 'Ada',
    email: `${mark}-${unique()}@shop.test`,
    password,
  })),
  'auth.login': signsIn(({ owner }) => ({ email: owner.user.email, password })),
  'auth.refresh': signsIn(async (shop) => ({ refreshToken: (await shop.signIn()).refreshToken })),
  'auth.logout': signsIn(async (shop) => ({ refreshToken: (await shop.signIn()).refreshToken })),
  'auth.me': reads(),
  'auth.validate': signsIn(({ token }) => ({ token })),
  'auth.sessions.list': reads(),
  'auth.sessions.revoke': writes({ id: 'session' }, nothing),
  'auth.sessions.revokeOthers': signsIn(nothing),

  'account.changePassword': refused(() => ({ currentPassword: `not ${password}`, newPassword: `new ${password}` })),
  'account.requestPasswordReset': signsIn(() => ({ email: `nobody-${unique()}@shop.test` })),
  'account.resetPassword': refused(() => ({ token: `none-${unique()}`, newPassword: `new ${password}` })),
  'account.requestEmailVerification': signsIn(() => ({ email: `nobody-${unique()}@shop.test` })),
  'account.verifyEmail': refused(() => ({ token: `none-${unique()}` })),
  'account.totp.enroll': refused(() => ({ password: `not ${password}` })),
  'account.totp.confirm': refused(() => ({ code: '123456' })),
  'account.totp.renewRecoveryCodes': refused(() => ({ password: `not ${password}`, code: '123456' })),
  'account.totp.disable': refused(() => ({ password: `not ${password}`, code: '123456' })),

  'signIn.providers': reads(),
  'signIn.start': refused(() => ({ provider: `none-${unique()}`, redirectUri: 'https://shop.test/back' })),
  'signIn.finish': refused(() => ({ code: `none-${unique()}`, state: `ols_${unique()}` })),

  'users.list': reads(),
  'users.get': reads({ id: 'user' }),
  'users.create': writes({ 'locationIds.0': 'location' }, (shop) => ({ ...user(shop), password })),
  'users.update': writes({ id: 'user', 'locationIds.0': 'location' }, ({ mark }) => ({
    name: `${mark} renamed ${unique()}`,
    locationIds: [],
  })),
  'users.replace': writes({ id: 'user', 'locationIds.0': 'location' }, (shop) => ({ ...user(shop), active: true })),
  'users.deactivate': writes({ id: 'user' }, nothing),
  'users.resetSecondFactor': writes({ id: 'user' }, nothing),
  'users.updates': reads({ userId: 'user' }),

  'customers.list': reads(),
  'customers.get': reads({ id: 'customer' }),
  'customers.create': writes({}, customer),
  'customers.update': writes({ id: 'customer' }, ({ mark }) => ({ name: `${mark} renamed ${unique()}` })),
  'customers.replace': writes({ id: 'customer' }, customer),
  'customers.updates': reads({ customerId: 'customer' }),

  'locations.list': reads(),
  'locations.get': reads({ id: 'location' }),
  'locations.create': writes({}, location),
  'locations.update': writes({ id: 'location' }, location),
  'locations.replace': writes({ id: 'location' }, location),

  'products.list': reads(),
  'products.get': reads({ id: 'product' }),
  'products.create': writes({}, product),
  'products.update': writes({ id: 'product' }, ({ mark }) => ({ name: `${mark} renamed ${unique()}` })),
  'products.replace': writes({ id: 'product' }, product),
  'products.archive': writes({ id: 'product' }, nothing),
  'products.adjustStock': writes({ id: 'product' }, () => ({ delta: 3, reason: `found ${unique()}` })),
  'products.batch': writes({ 'operations.0.id': 'product' }, (shop) => ({
    operations: [
      { op: 'update', changes: { name: `${shop.mark} renamed ${unique()}` } },
      { op: 'create', product: product(shop) },
    ],
  })),
  'products.import': writes({}, ({ mark }) => ({ content: `sku,name,price\n${mark}-${unique()},${mark} tea,1.50\n` })),
  'products.getImage': reads({ id: 'picturedProduct' }),
  'products.setImage': { ...writes({ id: 'product' }, () => ({ content: pixel })), also: { uploadId: 'upload' } },
  'products.removeImage': writes({ id: 'picturedProduct' }, nothing),
  'products.updates': reads({ productId: 'product' }),

  'orders.list': reads({ customerId: 'customer' }),
  'orders.get': reads({ id: 'order' }),
  'orders.create': writes(
    { 'items.0.productId': 'product', customerId: 'customer', locationId: 'location' },
    (shop) => ({ items: [{ quantity: 1 }], country: 'France', ...notes(shop) }),
  ),
  'orders.update': writes({ id: 'order', 'items.0.productId': 'product' }, (shop) => ({
    items: [{ quantity: 2 }],
    ...notes(shop),
  })),
  'orders.setStatus': writes({ id: 'order' }, () => ({ status: 'confirmed' })),
  'orders.cancel': writes({ id: 'order' }, () => ({ reason: `changed their mind ${unique()}` })),
  'orders.workflow': reads({ id: 'order' }),
  'orders.batch': writes(
    {
      'operations.0.id': 'order',
      'operations.0.changes.items.0.productId': 'product',
      'operations.1.order.items.0.productId': 'product',
      'operations.1.order.customerId': 'customer',
      'operations.1.order.locationId': 'location',
    },
    (shop) => ({
      operations: [
        { op: 'update', changes: { items: [{ quantity: 3 }], ...notes(shop) } },
        { op: 'create', order: { items: [{ quantity: 1 }], ...notes(shop) } },
      ],
    }),
  ),
  'orders.import': writes({}, ({ mark }) => ({
    content: `number,sku,description,quantity,placedAt,unitPrice\n${unique()},${mark}-tea,${mark} tea,2,2024-05-01T10:00:00Z,1.50\n`,
  })),
  'orders.export': reads({ customerId: 'customer' }),
  'orders.updates': reads({ orderId: 'order' }),

  'analytics.summary': reads(),
  'analytics.revenue': reads(),
  'analytics.byCountry': reads(),
  'analytics.topProducts': reads(),
  'analytics.topCustomers': reads(),
  'analytics.dashboard': reads(),
  'analytics.live': reads(),

  'files.get': reads({ id: 'file' }),
  'files.open': reads({}, async (shop) => ({ link: await shop.link() })),
  'files.uploads.create': writes({ productId: 'product' }, () => ({
    length: 42 + Math.floor(Math.random() * 1000),
    mediaType: 'image/gif',
  })),
  'files.uploads.get': reads({ id: 'upload' }),
  'files.uploads.cancel': writes({ id: 'upload' }, nothing),

  'addressRules.get': reads(),
  'addressRules.replace': writes({}, () => ({ allow: [], block: [`2001:db8:${unique().slice(0, 4)}::/48`] })),

  'chat.people.list': reads(),
  'chat.channels.list': reads(),
  'chat.channels.get': reads({ id: 'channel' }),
  'chat.channels.create': writes({ 'userIds.0': 'user' }, ({ mark }) => ({
    name: `${mark} channel ${unique()}`,
    userIds: [],
  })),
  'chat.channels.openDirect': writes({ userId: 'user' }, nothing),
  'chat.channels.rename': writes({ id: 'channel' }, ({ mark }) => ({ name: `${mark} renamed ${unique()}` })),
  'chat.channels.leave': writes({ id: 'channel' }, nothing),
  'chat.channels.markRead': writes({ id: 'channel' }, () => ({ sequence: 0 })),
  'chat.members.list': reads({ id: 'channel' }),
  'chat.members.add': writes({ id: 'channel', 'userIds.0': 'user' }, () => ({ userIds: [] })),
  'chat.members.remove': writes({ id: 'channel', userId: 'user' }, nothing),
  'chat.messages.list': reads({ channelId: 'channel' }),
  'chat.messages.search': reads({ channelId: 'channel' }, ({ mark }) => ({ q: mark })),
  'chat.messages.get': reads({ id: 'message' }),
  'chat.messages.send': writes({ channelId: 'channel' }, ({ mark }) => ({
    clientId: unique(),
    text: `${mark} message ${unique()}`,
  })),
  'chat.messages.edit': {
    ...writes({ id: 'message' }, ({ mark }) => ({ text: `${mark} edited ${unique()}` })),
    personal: true,
  },
  'chat.messages.delete': writes({ id: 'message' }, nothing),
  'chat.updates': reads({ channelId: 'channel' }),
  'chat.presence': reads(),
  'chat.signal': writes({ channelId: 'channel' }, nothing),

  'audit.list': reads({ userId: 'user', actorUserId: 'user', apiKeyId: 'apiKey' }),
  'audit.get': reads({ id: 'auditEntry' }),
  'audit.head': reads(),
  'audit.verify': reads(),
  'audit.export': reads({ userId: 'user', actorUserId: 'user', apiKeyId: 'apiKey' }),
  'audit.updates': reads({ userId: 'user', actorUserId: 'user', apiKeyId: 'apiKey' }),

  'notifications.list': reads(),
  'notifications.unread': reads(),
  'notifications.markRead': { ...writes({ 'ids.0': 'notification' }, () => ({ ids: [] })), personal: true },
  'notifications.markAllRead': writes({}, async (shop) => {
    // So that there is something to read.
    await shop.fresh('notification');
    return { readThrough: Math.floor((1 + Math.random()) * 1e9) };
  }),
  'notifications.updates': reads(),
  'notifications.preferences.get': reads(),
  'notifications.preferences.update': writes({}, () => ({ orderStatus: choices[++turn % choices.length] })),
  'notifications.settings.get': reads(),
  'notifications.settings.update': writes({}, () => ({ lowStockAt: Math.floor(Math.random() * 1e3) })),
  'notifications.announce': writes({}, announcement),

  'events.consumers': reads(),
  'events.deadLetters.list': reads({ subjectId: 'order' }),
  'events.deadLetters.get': reads({ id: 'deadLetter' }),
  'events.deadLetters.update': writes({ id: 'deadLetter' }, async (shop) => ({ payload: await shop.letterContent() })),
  'events.deadLetters.redrive': writes({ 'ids.0': 'deadLetter' }, () => ({ ids: [], dryRun: false })),
  'events.deadLetters.discard': writes({ id: 'deadLetter' }, nothing),
  'events.replay': writes({}, async (shop) => ({ ...(await shop.replayable()), dryRun: false })),

  'webhooks.list': reads(),
  'webhooks.get': reads({ id: 'webhook' }),
  'webhooks.create': writes({}, webhook),
  'webhooks.update': writes({ id: 'webhook' }, webhook),
  'webhooks.delete': writes({ id: 'webhook' }, nothing),
  'webhooks.rotateSecret': writes({ id: 'webhook' }, nothing),
  'webhooks.test': writes({ id: 'webhook' }, nothing),
  'webhooks.deliveries': reads({ webhookId: 'webhook' }),
  'webhooks.resend': writes({ id: 'webhookDelivery' }, nothing),

  'apiKeys.list': reads(),
  'apiKeys.get': reads({ id: 'apiKey' }),
  'apiKeys.create': writes({}, apiKey),
  'apiKeys.update': writes({ id: 'apiKey' }, apiKey),
  'apiKeys.rotate': writes({ id: 'apiKey' }, nothing),
  'apiKeys.revoke': writes({ id: 'apiKey' }, nothing),

  'tenants.list': reads(),
  'tenants.get': reads({ id: 'tenant' }),
  'tenants.create': writes({}, ({ mark }) => ({
    tenant: `${mark} branch`,
    name: `${mark} owner`,
    email: `${mark}-${unique()}@shop.test`,
    password,
  })),
  'tenants.suspend': writes({ id: 'tenant' }, () => ({ reason: `unpaid ${unique()}` })),
  'tenants.resume': writes({ id: 'tenant' }, nothing),
  'tenants.announce': writes({ id: 'tenant' }, announcement),
  'tenants.actAs': writes({ tenantId: 'tenant' }, () => ({ role: 'admin', reason: `asked for ${unique()}` })),
};
