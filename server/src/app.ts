import { contracts } from '@olympus/contracts';
import { openDatabase, type Database } from '@olympus/database';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import type { Config } from './config.ts';
import { createLetters } from './domains/account/letters.ts';
import { account } from './domains/account/procedures.ts';
import { analytics } from './domains/analytics/procedures.ts';
import { apiKeys } from './domains/api-keys/procedures.ts';
import { createAuth } from './domains/auth/index.ts';
import { createCursors } from './domains/cursors.ts';
import { customers } from './domains/customers/procedures.ts';
import { locations } from './domains/locations/procedures.ts';
import { createOrderExport } from './domains/orders/export.ts';
import { createOrderImport } from './domains/orders/import.ts';
import { orders } from './domains/orders/procedures.ts';
import { createProductImport } from './domains/products/import.ts';
import { products } from './domains/products/procedures.ts';
import { createAdmin, type NewAdmin } from './domains/tenants/admins.ts';
import { tenants } from './domains/tenants/procedures.ts';
import { users } from './domains/users/procedures.ts';
import { createEvents } from './events/events.ts';
import { orderUpdates, productUpdates } from './events/updates.ts';
import { openQueue } from './jobs/queue.ts';
import { queues, startJobs } from './jobs/schedule.ts';
import { createKernel, type Kernel } from './kernel/execute.ts';
import { bind } from './kernel/implement.ts';
import { systemClock } from './platform/clock.ts';
import { createHealth } from './platform/health.ts';
import { randomIds } from './platform/ids.ts';
import { loadKeys } from './platform/keys.ts';
import { createLifecycle, type Lifecycle } from './platform/lifecycle.ts';
import { createLogger, quietly } from './platform/logger.ts';
import { logMailer, smtpMailer } from './platform/mail.ts';
import { createQueryCache } from './platform/query-cache.ts';
import { createRateLimiter } from './platform/rate-limiter.ts';
import { openRedis } from './platform/redis.ts';
import { loadSecrets } from './platform/secrets.ts';
import { createTelemetry } from './platform/telemetry.ts';
import { listen } from './listen.ts';
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
  /** Drains and stops when the process is told to. */
  stopOnSignals(): void;
  close(): Promise<void>;
}

interface Parts {
  readonly config: Config;
  readonly log: Logger;
  readonly lifecycle: Lifecycle;
}

/** Opens what the configuration names, joins the rooms, and listens. */
export async function startApp(config: Config, log: Logger = createLogger({ level: config.logLevel })): Promise<App> {
  const lifecycle = createLifecycle({ drainSeconds: config.drainSeconds, log });
  try {
    return await compose({ config, log, lifecycle });
  } catch (error) {
    // What was opened before the fault must not keep the process alive.
    await lifecycle.stop();
    throw error;
  }
}

/** What is registered to stop last is opened first. */
async function compose({ config, log, lifecycle }: Parts): Promise<App> {
  const clock = systemClock;
  const ids = randomIds;

  const database = await openDatabase({ ...config.database, log });
  lifecycle.onStop('database', () => database.close());
  const redis = config.redis ? openRedis(config.redis.url, { keyPrefix: config.redis.keyPrefix, log }) : null;
  if (redis) lifecycle.onStop('redis', () => redis.close());

  const telemetry = createTelemetry({ pools: () => database.stats() });
  // Whatever drops kept answers has just committed, with the events that say so.
  const cache = createQueryCache({ onDrop: () => events.relay.wake() });
  const keys = await loadKeys(database, clock, ids);
  const secrets = await loadSecrets(database, clock, ids);
  const cursors = createCursors(keys.cursorSecret);
  const queue = await openQueue({ database, log, queues });
  lifecycle.onStop('queue', () => queue.stop());
  const { smtp, links } = config.mail;
  const mailer = smtp ? smtpMailer(smtp) : logMailer(log, { withText: database.kind === 'embedded' });
  lifecycle.onStop('mail', () => mailer.close());
  const auth = createAuth({
    database,
    keys,
    secrets,
    cursors,
    clock,
    ids,
    log,
    config: config.auth,
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
    onHint: (tenantId, topics) => cache.dropLocally(tenantId, topics),
  });

  const kernel = createKernel(
    {
      database,
      authenticator: auth.authenticator,
      limiter: createRateLimiter({ limits: config.rateLimits, ...(redis ? { redis } : {}) }),
      cache,
      telemetry,
      log,
      clock,
      ids,
      limits: { deadlineMs: config.deadlineMs, maxInFlight: config.maxInFlight },
    },
    bind(contracts, {
      auth: auth.handlers,
      account: account(auth.account),
      users: users({ cursors, passwords: auth.passwords }),
      customers: customers({ cursors }),
      locations: locations({ cursors }),
      products: products({ cursors, importer: createProductImport(), follow: productUpdates(events.follow) }),
      orders: orders({
        cursors,
        importer: createOrderImport(),
        exporter: createOrderExport(),
        follow: orderUpdates(events.follow),
      }),
      analytics: analytics({ follow: events.follow }),
      apiKeys: apiKeys({ cursors }),
      tenants: tenants({ database, cursors, auth }),
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
  queue.work('mail', createLetters({ db: database.systemDb, mailer, clock, ids, links }));
  const jobs = startJobs({ database, queue, clock, log });
  lifecycle.onStop('jobs', () => jobs.stop());

  const health = createHealth({ database, redis, relay: events.relay, lifecycle });
  const server = await listen({ config, kernel, health, telemetry, jwks: auth.jwks, lifecycle });
  const { port } = server.address() as AddressInfo;
  lifecycle.ready();
  return {
    url: `http://${config.host === undefined || config.host === '0.0.0.0' ? 'localhost' : config.host}:${port}`,
    kernel,
    database,
    log,
    demo,
    createAdmin: (admin) => createAdmin({ database, passwords: auth.passwords, clock, ids }, admin),
    stopOnSignals: () => lifecycle.stopOnSignals(),
    close: async () => {
      await lifecycle.stop();
    },
  };
}
