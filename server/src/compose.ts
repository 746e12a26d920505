import { contracts } from '@olympus/contracts';
import type { Database } from '@olympus/database';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import { createSealer } from './audit/sealer.ts';
import { createAuditTrail } from './audit/trail.ts';
import { createBridges } from './bridges/bridges.ts';
import type { Config } from './config.ts';
import { createLetters } from './domains/account/letters.ts';
import { account } from './domains/account/procedures.ts';
import { addressRules } from './domains/address-rules/procedures.ts';
import { createTenantAddresses } from './domains/address-rules/tenant-addresses.ts';
import { analytics } from './domains/analytics/procedures.ts';
import { apiKeys } from './domains/api-keys/procedures.ts';
import { audit } from './domains/audit/procedures.ts';
import { createAuth } from './domains/auth/index.ts';
import { createPresence } from './domains/chat/presence/presence.ts';
import { chat } from './domains/chat/procedures.ts';
import { createCursors } from './domains/cursors.ts';
import { customers } from './domains/customers/procedures.ts';
import { events as eventProcedures } from './domains/events/procedures.ts';
import { createFiles } from './domains/files/index.ts';
import { locations } from './domains/locations/procedures.ts';
import { createNotifications } from './domains/notifications/index.ts';
import { createOrderExport } from './domains/orders/export.ts';
import { createOrderImport } from './domains/orders/import.ts';
import { orders } from './domains/orders/procedures.ts';
import { createProductImages } from './domains/products/images.ts';
import { createProductImport } from './domains/products/import.ts';
import { products } from './domains/products/procedures.ts';
import { createAdmin, type NewAdmin } from './domains/tenants/admins.ts';
import { tenants } from './domains/tenants/procedures.ts';
import { users } from './domains/users/procedures.ts';
import { createWebhooks } from './domains/webhooks/index.ts';
import type { Consumer } from './events/consumers/consumer.ts';
import { createConsumers } from './events/consumers/consumers.ts';
import { measureConsumers } from './events/consumers/metrics.ts';
import { standingOf } from './events/consumers/standing.ts';
import { createEvents } from './events/events.ts';
import { sizeOf } from './events/retention/segments.ts';
import { customerUpdates, orderUpdates, productUpdates, userUpdates } from './events/updates.ts';
import { rollUpTenant } from './jobs/rollup.ts';
import { openQueues, repeat, startJobs } from './jobs/schedule.ts';
import { createKernel, type Kernel } from './kernel/execute.ts';
import { bind } from './kernel/implement.ts';
import { watchAddressFile } from './platform/address-file.ts';
import { systemClock } from './platform/clock.ts';
import { createHealth } from './platform/health.ts';
import { randomIds } from './platform/ids.ts';
import { loadKeys } from './platform/keys.ts';
import type { Lifecycle } from './platform/lifecycle.ts';
import { quietly } from './platform/logger.ts';
import { logMailer, smtpMailer } from './platform/mail.ts';
import { createOutbound } from './platform/outbound.ts';
import { createQueryCache } from './platform/query-cache.ts';
import { createRateLimiter } from './platform/rate-limiter.ts';
import { openRedis } from './platform/redis.ts';
import { loadSecrets } from './platform/secrets.ts';
import { createTelemetry } from './platform/telemetry.ts';
import { listen } from './listen.ts';
import { followKeys, openStorage } from './open.ts';
import { createPayments, paymentQueues, type PaymentExtras } from './payments.ts';
import { seedDemo, type DemoLogin } from './seed.ts';

export interface App {
  /** Where it listens. */
  readonly url: string;
  readonly kernel: Kernel;
  readonly database: Database;
  readonly log: Logger;
  /** How to sign in to the demo tenant; null when none is seeded. */
  readonly demo: DemoLogin | null;
  /** Makes a user of the platform. For the operator: no protocol reaches it. */
  createAdmin(admin: NewAdmin): Promise<void>;
  /** Drains and stops when the process is told to; reads the address rules again on SIGHUP. */
  heedSignals(): void;
  close(): Promise<void>;
}

/** What an installation may bring along. */
export interface Extras extends PaymentExtras {
  readonly log?: Logger;
  /** What is done for every event, beside what Olympus itself does. */
  readonly consumers?: readonly Consumer[];
}

export interface Parts {
  readonly extras: Omit<Extras, 'log'>;
  readonly config: Config;
  readonly log: Logger;
  readonly lifecycle: Lifecycle;
  readonly database: Database;
}

/** Opens what the configuration names, joins the rooms, and listens. What is registered to stop last is opened first. */
export async function compose({ config, log, lifecycle, extras, database }: Parts): Promise<App> {
  if (config.warnings.length > 0)
    log.warn(
      { warnings: config.warnings },
      'not fit for production; OLYMPUS_MODE=production refuses, development is silent',
    );
  const clock = systemClock;
  const ids = randomIds;

  const addresses = watchAddressFile(config.addressRulesFile, log);
  lifecycle.onStop('address rules', async () => addresses.close());
  const redis = config.redis ? openRedis(config.redis.url, { ...config.redis, log }) : null;
  if (redis) lifecycle.onStop('redis', () => redis.close());

  const storage = await openStorage(config.files);
  lifecycle.onStop('storage', () => storage.close());

  const telemetry = createTelemetry({
    pools: () => database.stats(),
    eventLog: () => sizeOf(database.systemDb),
    queues: () => queue.figures(),
  });
  // Whatever drops kept answers has just committed, with the events that say so.
  const cache = createQueryCache({ onDrop: () => events.relay.wake() });
  const keys = await loadKeys(database, clock, ids);
  const signingKeys = await followKeys({ config, keys, log, lifecycle });
  const secrets = await loadSecrets(database, clock, ids);
  const cursors = createCursors(keys.cursorSecret);
  const queue = await openQueues({ database, log, more: paymentQueues(config.payments) });
  lifecycle.onStop('queue', () => queue.stop());
  const { smtp, links } = config.mail;
  const mailer = smtp ? smtpMailer(smtp) : logMailer(log, { withText: database.kind === 'embedded' });
  lifecycle.onStop('mail', () => mailer.close());
  const auth = createAuth({
    database,
    keys: signingKeys,
    secrets,
    cursors,
    clock,
    ids,
    log,
    config: config.auth,
    externalIssuers: config.externalIssuers,
    signInProviders: config.signInProviders,
    // However often somebody asks, a mail of a kind goes to an address once a minute at most.
    post: (db, letter) =>
      queue.send(db, { queue: 'mail', data: letter, once: { name: `${letter.kind}:${letter.email}`, seconds: 60 } }),
  });
  auth.changes.start();
  lifecycle.onStop('access changes', () => auth.changes.stop());
  const events = createEvents({
    database,
    redis,
    clock,
    ids,
    log,
    onHint: (tenantId, topics) => {
      cache.dropLocally(tenantId, topics);
      consumers.wake();
    },
  });
  const outbound = createOutbound({
    httpsOnly: config.mode === 'production',
    allowLoopback: config.webhooks.allowLoopback,
  });
  const webhooks = createWebhooks({ database, secrets, cursors, outbound, clock, ids, log });
  const notifications = createNotifications({ database, cursors, events, clock, ids });
  const payments = createPayments({ config: config.payments, extras, database, queue, cache, clock, ids, log });
  const bridges = createBridges(config.bridges, { registry: telemetry.registry, clock, ids, log });
  const own = [webhooks.consumer, notifications.consumer, ...payments.consumers, ...bridges.consumers];
  const consumers = createConsumers([...own, ...(extras.consumers ?? [])], { database, clock, ids, log });
  const consumerNames = consumers.all.map(({ name }) => name);
  measureConsumers(telemetry.registry, () => standingOf(database.systemDb, consumerNames));

  const presence = createPresence({ database, redis, clock, ids, log });

  const tenantAddresses = createTenantAddresses(database);
  await tenantAddresses.refresh();

  const files = createFiles({
    database,
    storage,
    clock,
    secret: keys.cursorSecret,
    config: { ...config.files, baseUrl: config.publicUrl ?? '' },
  });
  await files.sweepAtStart();

  const trail = createAuditTrail({ database, clock, ids, log });
  const sealer = createSealer({ database, clock, log });
  const kernel = createKernel(
    {
      database,
      authenticator: auth.authenticator,
      limiter: createRateLimiter({ limits: config.rateLimits, ...(redis ? { redis } : {}) }),
      cache,
      addresses: tenantAddresses,
      audit: trail,
      telemetry,
      log,
      clock,
      ids,
      limits: { deadlineMs: config.deadlineMs, maxInFlight: config.maxInFlight, streams: config.streams },
    },
    bind(contracts, {
      auth: auth.handlers,
      account: account(auth.account),
      signIn: auth.signIn,
      users: users({ cursors, account: auth.account, follow: userUpdates(events.follow) }),
      customers: customers({ cursors, follow: customerUpdates(events.follow) }),
      locations: locations({ cursors }),
      products: products({
        cursors,
        images: createProductImages(files),
        importer: createProductImport(),
        follow: productUpdates(events.follow),
      }),
      orders: orders({
        cursors,
        importer: createOrderImport((tenantId) => rollUpTenant(database, tenantId)),
        exporter: createOrderExport(),
        follow: orderUpdates(events.follow),
        authorizeMs: payments.authorizeMs,
      }),
      files: files.handlers,
      analytics: analytics({ follow: events.follow }),
      apiKeys: apiKeys({ cursors }),
      tenants: tenants({ database, cursors, auth }),
      addressRules: addressRules(),
      audit: audit({ cursors, sealer }),
      chat: chat({ cursors, follow: events.follow, presence }),
      notifications: notifications.handlers,
      events: eventProcedures({ cursors, consumers }),
      webhooks: webhooks.handlers,
    }),
  );
  const demo = config.demo.seed
    ? // What the seed calls is no operator's concern, and would bury where everything is.
      await quietly(log, () =>
        seedDemo({ kernel, openTenant: auth.openTenant, clock, ids, password: config.demo.password }),
      )
    : null;

  events.start();
  lifecycle.onStop('events', () => events.stop());
  presence.start();
  lifecycle.onStop('presence', () => presence.stop());
  webhooks.sender.start();
  lifecycle.onStop('webhooks', () => webhooks.sender.stop());
  bridges.start(kernel);
  lifecycle.onStop('bridges', () => bridges.stop());
  consumers.start();
  lifecycle.onStop('consumers', () => consumers.stop());
  sealer.start();
  lifecycle.onStop('sealing', () => sealer.stop());
  trail.start();
  lifecycle.onStop('audit', () => trail.stop());
  queue.work('mail', createLetters({ db: database.systemDb, mailer, clock, ids, links }));
  payments.start();
  const jobs = startJobs({ database, queue, clock, ids, log, config, consumers: consumers.all });
  lifecycle.onStop('jobs', () => jobs.stop());
  const watching = repeat(
    { name: 'tenant addresses', everyMs: 300, run: () => tenantAddresses.refresh().then(() => false) },
    log,
  );
  lifecycle.onStop('tenant addresses', () => watching.stop());
  const sweeping = repeat({ name: 'files', everyMs: 5000, run: () => files.sweep() }, log);
  lifecycle.onStop('files', () => sweeping.stop());

  const health = createHealth({ database, redis, bridges: bridges.states, relay: events.relay, lifecycle });
  const server = await listen({
    config,
    kernel,
    health,
    telemetry,
    jwks: auth.jwks,
    lifecycle,
    addresses,
    uploads: storage.uploads,
  });
  const { port } = server.address() as AddressInfo;
  lifecycle.ready();
  return {
    url: `http://${config.host === undefined || config.host === '0.0.0.0' ? 'localhost' : config.host}:${port}`,
    kernel,
    database,
    log,
    demo,
    createAdmin: (admin) => createAdmin({ database, passwords: auth.passwords, clock, ids }, admin),
    heedSignals: () => {
      lifecycle.stopOnSignals();
      process.on('SIGHUP', () => addresses.reload());
    },
    close: async () => {
      await lifecycle.stop();
    },
  };
}
