import type { contracts, InputOf, OutputOf } from '@olympus/contracts';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startApp, type App } from '@olympus/server/app.ts';
import { readConfig, type Config } from '@olympus/server/config.ts';
import type { Consumer } from '@olympus/server/events/consumers/consumer.ts';
import postgres from 'postgres';

export type Session = OutputOf<(typeof contracts.auth.login)['def']>;
type Registration = InputOf<(typeof contracts.auth.register)['def']>;

/** Where a suite keeps its data: a folder of its own, or a database of its own where `TEST_DATABASE_URL` names a server. */
export interface Store {
  readonly kind: 'embedded' | 'postgres';
  /** Variables that make a server use it. */
  readonly env: Readonly<Record<string, string>>;
  remove(): Promise<void>;
}

/** `null` for the embedded database, whatever the environment names. */
export async function createStore(server: string | null = process.env['TEST_DATABASE_URL'] ?? null): Promise<Store> {
  const prefix = `olympus_test_${Date.now().toString(36)}_${randomBytes(4).toString('hex')}`;
  const redis = process.env['TEST_REDIS_URL'];
  // Thousands of tenants are opened, each with the hash of a password.
  const shared = { OLYMPUS_PASSWORD_KIB: '1024', ...(redis ? { REDIS_URL: redis, REDIS_PREFIX: `${prefix}:` } : {}) };
  const folder = await mkdtemp(join(tmpdir(), 'olympus-test-'));
  if (!server) {
    return {
      kind: 'embedded',
      env: { ...shared, OLYMPUS_DATA_DIR: folder },
      remove: () => rm(folder, { recursive: true, force: true }),
    };
  }
  const admin = postgres(server, { max: 1, onnotice: () => {} });
  await admin.unsafe(`create database ${prefix}`);
  const url = new URL(server);
  url.pathname = `/${prefix}`;
  return {
    kind: 'postgres',
    env: { ...shared, OLYMPUS_DATA_DIR: folder, DATABASE_URL: url.href },
    remove: async () => {
      await admin.unsafe(`drop database if exists ${prefix} with (force)`);
      await admin.end();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export interface Olympus {
  readonly url: string;
  readonly wsUrl: string;
  readonly app: App;
  readonly config: Config;
  readonly store: Store;
  /** Opens a tenant of its own, with its owner signed in. */
  tenant(overrides?: Partial<Registration>): Promise<Session>;
  close(): Promise<void>;
}

/** Given every event, and does nothing with it: what may be asked of consumers can be asked of this one. */
export const idleConsumer: Consumer = {
  name: 'idle',
  types: ['order.created', 'product.created'],
  handle: async () => {},
};

/** A whole server in this process, on a port and a store of its own. Limits are wide, so that only tests of limits meet them. */
export async function startOlympus(env: Readonly<Record<string, string>> = {}): Promise<Olympus> {
  const store = await createStore();
  const config = readConfig({
    HOST: '127.0.0.1',
    PORT: '0',
    LOG_LEVEL: 'silent',
    OLYMPUS_SEED_DEMO: 'off',
    RATE_LIMITS: 'read=100000/1,write=100000/1,signIn=100000/60,stream=100000/60,address=1000000/1,tenant=1000000/1',
    OLYMPUS_SIGN_IN_FAILURES: '100000',
    ...store.env,
    ...env,
  });
  const app = await startApp(config, { consumers: [idleConsumer] });
  return {
    url: app.url,
    wsUrl: `${app.url.replace('http', 'ws')}/ws`,
    app,
    config,
    store,
    tenant: (overrides) => registerTenant(app.url, overrides),
    close: async () => {
      await app.close();
      await store.remove();
    },
  };
}

export async function registerTenant(url: string, overrides: Partial<Registration> = {}): Promise<Session> {
  const unique = randomBytes(6).toString('hex');
  const response = await fetch(`${url}/api/v1/auth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      tenant: `Shop ${unique}`,
      name: 'Olive Owner',
      email: `owner-${unique}@shop.test`,
      password: 'correct horse battery',
      timeZone: 'Europe/London',
      currency: 'GBP',
      ...overrides,
    }),
  });
  if (response.status !== 201) throw new Error(`registration answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as Session;
}

/** A REST call with JSON in and out, for what tests need beside the protocol they test. */
export async function rest<T = unknown>(
  url: string,
  call: { method?: string; path: string; token?: string; body?: unknown; headers?: Record<string, string> },
): Promise<{ status: number; body: T; headers: Headers }> {
  const { method = 'GET', path, token, body, headers } = call;
  const response = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: {
      ...(token ? { authorization: `Bearer ${token}` } : {}),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: (text ? JSON.parse(text) : null) as T, headers: response.headers };
}
